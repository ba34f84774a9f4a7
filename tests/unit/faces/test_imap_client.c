/* The IMAP client against scripted servers: whole, octet by octet, and cut off. */
#include "t.h"

#include "account/types.h"
#include "faces/imap_puller.h"

struct turn {
	const char *server; /* "(tls)": the handshake is done; "(eof)" */
	const char *client; /* what the client says then */
};
struct script {
	const char *name;
	bool starttls;
	struct turn turns[12];
	const char *log;
};

#define GREETING "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n"
#define PLAIN "AGFsImljZQBwYXNzXHdvcmQ="
#define SIGNED_IN GREETING, "L1 AUTHENTICATE PLAIN " PLAIN "\r\n"

static const struct script scripts[] = {
	{"all of it", false,
		{{GREETING, "L1 AUTHENTICATE PLAIN " PLAIN "\r\n"},
			{"L1 OK [CAPABILITY IMAP4rev1 SPECIAL-USE LIST-EXTENDED X-GM-EXT-1] in\r\n",
				"L2 LIST \"\" \"*\" RETURN (SPECIAL-USE)\r\n"},
			{"* LIST (\\HasNoChildren) \"/\" INBOX\r\n"
			 "* LIST (\\Noselect) \"/\" \"[Gmail]\"\r\n"
			 "* LIST (\\All) \"/\" \"[Gmail]/All\"\r\n"
			 "* LIST (\\Sent) \".\" {12}\r\nEnvoy&AOk-es\r\n"
			 "* LIST (\\Trash) NIL \"a\\\"b\"\r\n"
			 "* LIST (oops\r\nL2 OK done\r\n",
				"L3 STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY)\r\n"},
			{"* STATUS INBOX (MESSAGES 4 UIDNEXT 10 UIDVALIDITY 77)\r\nL3 OK x\r\n",
				"L4 EXAMINE \"INBOX\"\r\n"},
			{"* 4 EXISTS\r\n* OK [UIDVALIDITY 77] v\r\nL4 OK [READ-ONLY] x\r\n",
				"L5 UID SEARCH UID 1:*\r\n"},
			{"* SEARCH 3 4 5 9\r\nL5 OK x\r\n",
				"L6 UID FETCH 3:5,9 (UID FLAGS RFC822.SIZE X-GM-LABELS "
				"BODY.PEEK[HEADER.FIELDS (MESSAGE-ID SUBJECT)])\r\n"},
			{"* 1 FETCH (UID 3 MODSEQ (99) X-GM-LABELS (\\Inbox \"a b\" &AOk-) FLAGS "
			 "(\\Seen \\Recent $Forwarded \\Flagged) RFC822.SIZE 12 "
			 "BODY[HEADER.FIELDS (MESSAGE-ID SUBJECT)] {6}\r\nA: b\r\n)\r\n"
			 "* 2 FETCH (FLAGS ())\r\nL6 OK {5}\r\n",
				"L7 UID FETCH 3:5 (UID FLAGS INTERNALDATE BODY.PEEK[])\r\n"
				"L8 UID FETCH 9 (UID FLAGS INTERNALDATE BODY.PEEK[])\r\n"},
			{"* 1 FETCH (UID 3 INTERNALDATE \" 1-Nov-2026 10:00:00 +0100\" "
			 "BODY[] {5}\r\nab\r\nc FLAGS ())\r\n"
			 "* 2 FETCH (UID 4 BODY[] {21}\r\n123456789012345678901 FLAGS ())\r\n"
			 "* 3 FETCH (UID 5 FLAGS () BODY[] \"x\")\r\nL7 OK x\r\n"
			 "* 4 FETCH (UID 9 FLAGS () INTERNALDATE \"?\" BODY[] {0}\r\n)\r\nL8 OK "
			 "x\r\n",
				"L9 LOGOUT\r\n"},
			{"* BYE bye\r\n", ""}},
		"ready\n"
		"folder wire=INBOX name=INBOX 0 47\n"
		"folder wire=[Gmail] name=[Gmail] 1 47\n"
		"folder wire=[Gmail]/All name=[Gmail]/All 2 47\n"
		"folder wire=Envoy&AOk-es name=Envoy\xc3\xa9"
		"es 80 46\n"
		"folder wire=a\"b name=a\"b 100 0\n"
		"done 0\nstatus 4 10 77\ndone 0\ndone 0\ndone 0\nuids 3 4 5 9\n"
		"message 3 size=12 flags=5 date=0 keyword=$Forwarded label=\\Inbox label=a b "
		"label=\xc3\xa9 header=A: b\r\n\n"
		"done 0\n"
		"message 3 size=0 flags=0 date=1793523600 body=ab\r\nc\n"
		"message 4 size=0 flags=0 date=0 too-large\n"
		"message 5 size=0 flags=0 date=0 body=x\n"
		"done 0\n"
		"message 9 size=0 flags=0 date=0 body=\n"
		"done 0\nclosed 0 text=bye\n"},
	{"wrong password", false, {{SIGNED_IN}, {"L1 NO [AUTHENTICATIONFAILED] Nope\x07.\r\n", ""}},
		"closed 6 text=Nope.\n"},
	{"not now", false, {{SIGNED_IN}, {"L1 NO [UNAVAILABLE] later\r\n", ""}},
		"closed 7 text=later\n"},
	{"a server that is full", false, {{"* BYE too many\r\n", ""}}, "closed 7 text=too many\n"},
	{"somebody else's sign-in", false, {{"* PREAUTH hi\r\n", ""}}, "closed 2 text=hi\n"},
	{"a web server", false, {{"HTTP/1.1 400 Bad Request\r\n", ""}}, "closed 2 text=\n"},
	{"asks for capabilities, says LOGIN", false,
		{{"* OK hi\r\n", "L1 CAPABILITY\r\n"},
			{"* CAPABILITY IMAP4rev1\r\nL1 OK x\r\n",
				"L2 LOGIN \"al\\\"ice\" \"pass\\\\word\"\r\n"},
			{"L2 OK x\r\n", "L3 CAPABILITY\r\n"},
			{"* CAPABILITY IMAP4rev1\r\nL3 OK x\r\n", "L4 LIST \"\" \"*\"\r\n"},
			{"(eof)", ""}},
		"ready\nclosed 1 text=\n"},
	{"waits before it tells the password", false,
		{{"* OK [CAPABILITY AUTH=PLAIN] hi\r\n", "L1 AUTHENTICATE PLAIN\r\n"},
			{"+ \r\n", PLAIN "\r\n"}, {"+ \r\n", ""}},
		"closed 2 text=\n"},
	{"no way to sign in", false, {{"* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi\r\n", ""}},
		"closed 5 text=\n"},
	{"STARTTLS", true,
		{{"* OK [CAPABILITY STARTTLS AUTH=PLAIN] hi\r\n", "L1 STARTTLS\r\n"},
			{"L1 OK go\r\n", ""}, {"(tls)", "L2 CAPABILITY\r\n"},
			{"* CAPABILITY AUTH=PLAIN\r\nL2 OK x\r\n", "L3 AUTHENTICATE PLAIN\r\n"},
			{"(eof)", ""}},
		"starttls\nclosed 1 text=\n"},
	{"STARTTLS is not there", true, {{"* OK [CAPABILITY AUTH=PLAIN] hi\r\n", ""}},
		"closed 4 text=\n"},
	{"something in clear behind STARTTLS", true,
		{{"* OK [CAPABILITY STARTTLS] hi\r\n", "L1 STARTTLS\r\n"},
			{"L1 OK go\r\nL2 OK [CAPABILITY LOGIN] evil\r\n", ""}},
		"starttls\nclosed 2 text=\n"},
	{"an answer to nothing", false, {{SIGNED_IN}, {"L2 OK x\r\n", ""}}, "closed 2 text=\n"},
};

static void
say(struct puller *p, const char *text, bool bytewise)
{
	struct slice in = slice_str(text);

	if (!strcmp(text, "(tls)")) {
		CHECK_INT(imap_client_tls_done(p->c), 0);
		puller_run(p);
		return;
	}
	if (!strcmp(text, "(eof)")) {
		imap_client_eof(p->c);
		puller_run(p);
		return;
	}
	for (size_t n; in.len; in = slice_skip(in, n)) {
		n = bytewise ? 1 : in.len;
		puller_feed(p, slice_sub(in, 0, n));
	}
}

static void
run_script(const struct script *t, bool bytewise)
{
	struct puller p;
	int before = t_failed;

	puller_new(&p, t->starttls, 20);
	for (size_t i = 0; i < ARRAY_SIZE(t->turns) && t->turns[i].server; i++) {
		say(&p, t->turns[i].server, bytewise);
		CHECK_SLICE(buf_slice(&p.sent), slice_str(t->turns[i].client));
		buf_reset(&p.sent);
	}
	CHECK_SLICE(buf_slice(&p.log), slice_str(t->log));
	CHECK(p.closed);
	if (t_failed != before)
		fprintf(stderr, "in: %s%s\n", t->name, bytewise ? ", octet by octet" : "");
	puller_done(&p);
}

static void
test_scripts(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		run_script(&scripts[i], false);
		run_script(&scripts[i], true);
	}
}

static void
signed_in(struct puller *p)
{
	puller_new(p, false, 1000);
	puller_feed(p, S(GREETING "L1 OK [CAPABILITY IMAP4rev1] x\r\n"));
}

/* What is written is gone from memory once it was sent. */
static void
test_wiped(void)
{
	struct puller p;
	const uint8_t *at;

	puller_new(&p, false, 1000);
	while (!imap_client_output(p.c).len)
		CHECK_INT(imap_client_feed(p.c, S(GREETING)), strlen(GREETING));
	at = imap_client_output(p.c).ptr;
	CHECK(imap_client_output(p.c).len > 40);
	imap_client_sent(p.c, 30);
	imap_client_sent(p.c, 1000);
	for (size_t i = 0; i < 40; i++)
		CHECK_INT(at[i], 0);
	puller_done(&p);
}

/* Nothing is kept without bounds. */
static void
test_limits(void)
{
	static const char *const floods[] = {"* LIST () \"/\" {70000}\r\n", "* 1 FETCH (UID ",
		"L2 OK ", "* SEARCH 99999999999999999999"};
	char piece[1024];
	struct puller p;

	memset(piece, '9', sizeof(piece));
	for (size_t i = 0; i < ARRAY_SIZE(floods); i++) {
		signed_in(&p);
		puller_feed(&p, slice_str(floods[i]));
		for (size_t n = 0; n < 600 && !p.closed; n++)
			puller_feed(&p, SLICE_OF(piece));
		CHECK(p.closed);
		CHECK_INT(imap_client_error(p.c), IMAP_ERROR_LIMIT);
		puller_done(&p);
	}
}

/* More numbers than one response may hold bytes. */
static void
test_many(void)
{
	struct buf big = BUF_INIT((size_t)8 << 20);
	const uint32_t *uids;
	struct puller p;
	size_t n;

	buf_puts(&big, "* SEARCH");
	for (unsigned i = 1; i <= 300000; i++)
		buf_printf(&big, " %u", i);
	buf_puts(&big, "\r\n");
	signed_in(&p);
	puller_feed(&p, buf_slice(&big));
	uids = imap_client_uids(p.c, &n);
	CHECK_INT(n, 300000);
	for (size_t i = 0; i < n; i++)
		CHECK_INT(uids[i], i + 1);
	puller_done(&p);
	buf_done(&big);
}

static void
test_states(void)
{
	static const uint32_t one = 1;
	struct puller p;

	puller_new(&p, false, 1000);
	CHECK_INT(imap_client_list(p.c), LL_ERR_STATE);
	CHECK_INT(imap_client_tls_done(p.c), LL_ERR_STATE);
	puller_done(&p);
	signed_in(&p); /* LIST is on its way */
	CHECK_INT(imap_client_examine(p.c, S("x")), LL_ERR_LIMIT);
	for (size_t i = 1; i < IMAP_CLIENT_COMMANDS_MAX; i++)
		CHECK_INT(imap_client_fetch(p.c, IMAP_FETCH_BODY, &one, 1), 0);
	CHECK_INT(imap_client_fetch(p.c, IMAP_FETCH_BODY, &one, 1), LL_ERR_LIMIT);
	puller_done(&p);
}

T_MAIN(T(test_scripts), T(test_wiped), T(test_limits), T(test_many), T(test_states))
