/* Runs IMAP transcripts in process, against the real engine over the real store: each file twice,
 * with the bytes as they come and one byte at a time. */
#include "pattern.h"
#include "world.h"

#include "base/error.h"
#include "base/text.h"
#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MAX_CLIENTS 8
#define MAX_BYTES ((size_t)256 << 20)

struct client {
	char name;
	struct imap_conn *conn;
	struct buf sent; /* to the server, not yet taken */
	struct buf got; /* from the server, not yet read */
	bool compressed, closed;
	z_stream deflate, inflate;
	bool skipping; /* "A< ..." */
	VEC(struct slice) forbidden;
};

struct run {
	const char *file;
	size_t step; /* bytes fed at once */
	struct slice text; /* of the transcript */
	struct world *world;
	struct map *vars, *messages;
	struct client clients[MAX_CLIENTS];
	size_t n_clients, line;
	uint64_t quota, append_limit;
	size_t memory;
	bool failed;
};

static void
fail(struct run *r, const char *what, struct slice detail)
{
	fprintf(stderr, "%s:%zu: %s: %.*s\n", r->file, r->line, what, SLICE_ARG(detail));
	r->failed = true;
}

/* ---- Bytes ---- */

static void
zip(struct client *c, struct slice plain)
{
	uint8_t out[4096];

	c->deflate.next_in = (Bytef *)(uintptr_t)plain.ptr;
	c->deflate.avail_in = (uInt)plain.len;
	do {
		c->deflate.next_out = out;
		c->deflate.avail_out = sizeof(out);
		deflate(&c->deflate, Z_SYNC_FLUSH);
		buf_put(&c->sent, slice_new(out, sizeof(out) - c->deflate.avail_out));
	} while (c->deflate.avail_out == 0);
}

static void
receive(struct client *c, struct slice wire)
{
	uint8_t out[4096];

	if (!c->compressed) {
		buf_put(&c->got, wire);
		return;
	}
	c->inflate.next_in = (Bytef *)(uintptr_t)wire.ptr;
	c->inflate.avail_in = (uInt)wire.len;
	do {
		c->inflate.next_out = out;
		c->inflate.avail_out = sizeof(out);
		inflate(&c->inflate, Z_SYNC_FLUSH);
		buf_put(&c->got, slice_new(out, sizeof(out) - c->inflate.avail_out));
	} while (c->inflate.avail_out == 0);
}

/* One connection until it has nothing to do; true when it did something. */
static bool
pump_client(struct run *r, struct client *c)
{
	bool moved = false;

	while (c->conn && !c->closed) {
		enum imap_conn_wants wants = imap_conn_run(c->conn);
		struct slice out = imap_conn_output(c->conn);

		out = slice_sub(out, 0, MAX(r->step, (size_t)1000));
		if (out.len) {
			receive(c, out);
			imap_conn_sent(c->conn, out.len);
			moved = true;
			continue;
		}
		if (wants == IMAP_CONN_CLOSE) {
			c->closed = true;
			return true;
		}
		if (wants == IMAP_CONN_AGAIN)
			return true; /* the others first */
		if (!c->sent.len || !imap_conn_wants_input(c->conn))
			break;
		out = slice_sub(buf_slice(&c->sent), 0, r->step);
		if (imap_conn_input(c->conn, out) != LL_OK)
			abort();
		buf_consume(&c->sent, out.len);
		moved = true;
	}
	return moved;
}

static void
pump(struct run *r)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (size_t i = 0; i < r->n_clients; i++)
			moved |= pump_client(r, &r->clients[i]);
	}
}

static void
put_sent(struct client *c, struct slice s)
{
	if (c->compressed)
		zip(c, s);
	else
		buf_put(&c->sent, s);
}

/* ---- Responses ---- */

/* Bytes announced by a literal at the end of a line, or SIZE_MAX. */
static size_t
literal_size(struct slice line)
{
	size_t open = slice_rfind_byte(line, '{');
	uint64_t n;

	if (!slice_ends(line, S("}")) || open == SLICE_NPOS ||
		slice_u64(slice_sub(line, open + 1, line.len - open - 2), UINT32_MAX, &n) != LL_OK)
		return SIZE_MAX;
	return (size_t)n;
}

/* Length of the first whole response in s, its last CRLF included, or 0. */
static size_t
response_length(struct slice s)
{
	size_t at = 0;

	for (;;) {
		size_t end = slice_find(slice_skip(s, at), S("\r\n")), n;
		if (end == SLICE_NPOS)
			return 0;
		n = literal_size(slice_sub(s, at, end));
		at += end + 2;
		if (n == SIZE_MAX)
			return at;
		if (n > s.len - at)
			return 0;
		at += n;
	}
}

static bool
peek_response(struct client *c, struct slice *ret)
{
	size_t n = response_length(buf_slice(&c->got));

	if (n)
		*ret = slice_new(c->got.ptr, n - 2);
	return n != 0;
}

static void
drop_response(struct client *c)
{
	buf_consume(&c->got, response_length(buf_slice(&c->got)));
}

static void
check_forbidden(struct run *r, struct client *c, struct slice response)
{
	VEC_EACH (p, &c->forbidden)
		if (pattern_match(*p, response, r->vars))
			fail(r, "must not come", response);
}

static void
expect(struct run *r, struct client *c, struct slice pattern)
{
	struct slice response;

	pump(r);
	while (peek_response(c, &response)) {
		bool ok = pattern_match(pattern, response, r->vars);

		if (!ok && !c->skipping) {
			fail(r, "wanted", pattern);
			fail(r, "   got", response);
			drop_response(c);
			return;
		}
		if (!ok)
			check_forbidden(r, c, response);
		drop_response(c);
		if (ok) {
			c->skipping = false;
			return;
		}
	}
	fail(r, "never came", pattern);
	c->skipping = false;
}

/* What is left of the answers to the last line. */
static void
settle(struct run *r, struct client *c)
{
	struct slice response;

	pump(r);
	while (peek_response(c, &response)) {
		if (!c->skipping)
			fail(r, "unexpected", response);
		check_forbidden(r, c, response);
		drop_response(c);
	}
	if (c->got.len)
		fail(r, "unfinished", buf_slice(&c->got));
	buf_reset(&c->got);
	c->skipping = false;
	c->forbidden.len = 0;
}

/* ---- Lines that are sent ---- */

static struct slice
message_of(struct run *r, struct slice name)
{
	struct buf *b = map_get(r->messages, name);

	if (!b)
		fail(r, "no such message", name);
	return b ? buf_slice(b) : SLICE_NONE;
}

/* Sends what is there and waits for "+"; false when the server refuses. */
static bool
synchronise(struct run *r, struct client *c)
{
	struct slice response;

	pump(r);
	if (!peek_response(c, &response) || !slice_starts(response, S("+")))
		return false;
	drop_response(c);
	return true;
}

static bool
send_literal(struct run *r, struct client *c, struct slice data, const char *open, bool sync)
{
	char head[64];

	snprintf(head, sizeof(head), "%s%zu%s}\r\n", open, data.len, sync ? "" : "+");
	put_sent(c, slice_str(head));
	if (sync && !synchronise(r, c))
		return false;
	put_sent(c, data);
	return true;
}

static void
send_bytes(struct client *c, struct slice hex)
{
	struct buf bytes = BUF_INIT(65536);

	if (hex_decode(&bytes, hex) == LL_OK)
		put_sent(c, buf_slice(&bytes));
	buf_done(&bytes);
}

static void
send_fill(struct client *c, struct slice count)
{
	struct buf bytes = BUF_INIT(MAX_BYTES);
	uint64_t n = 0;

	if (slice_u64(count, MAX_BYTES, &n) == LL_OK)
		buf_put_fill(&bytes, 'x', (size_t)n);
	put_sent(c, buf_slice(&bytes));
	buf_done(&bytes);
}

/* One %{...}; false when the rest of the line must not be sent. */
static bool
send_special(struct run *r, struct client *c, struct slice special)
{
	struct slice arg = special, kind = slice_split(&arg, ':');
	char number[32];

	if (kind.len == special.len) {
		put_sent(c, pattern_var(r->vars, special));
	} else if (slice_eq(kind, S("lit"))) {
		return send_literal(r, c, message_of(r, arg), "{", false);
	} else if (slice_eq(kind, S("lit8"))) {
		return send_literal(r, c, message_of(r, arg), "~{", false);
	} else if (slice_eq(kind, S("sync"))) {
		return send_literal(r, c, message_of(r, arg), "{", true);
	} else if (slice_eq(kind, S("str"))) {
		return send_literal(r, c, arg, "{", false);
	} else if (slice_eq(kind, S("syncstr"))) {
		return send_literal(r, c, arg, "{", true);
	} else if (slice_eq(kind, S("hex"))) {
		send_bytes(c, arg);
	} else if (slice_eq(kind, S("fill"))) {
		send_fill(c, arg);
	} else if (slice_eq(kind, S("size"))) {
		snprintf(number, sizeof(number), "%zu", message_of(r, arg).len);
		put_sent(c, slice_str(number));
	} else {
		fail(r, "unknown", special);
	}
	return true;
}

static void
send_line(struct run *r, struct client *c, struct slice line)
{
	settle(r, c);
	while (line.len) {
		size_t open = slice_find(line, S("%{")), end;

		put_sent(c, slice_sub(line, 0, open));
		if (open == SLICE_NPOS)
			break;
		line = slice_skip(line, open + 2);
		end = slice_find_byte(line, '}');
		if (end == SLICE_NPOS) {
			fail(r, "unfinished %{", line);
			return;
		}
		if (!send_special(r, c, slice_sub(line, 0, end)))
			return;
		line = slice_skip(line, end + 1);
	}
	put_sent(c, S("\r\n"));
	pump(r);
}

/* ---- Directives ---- */

static struct client *
find_client(struct run *r, uint8_t name)
{
	for (size_t i = 0; i < r->n_clients; i++)
		if (r->clients[i].name == (char)name)
			return &r->clients[i];
	return NULL;
}

static void
connect_client(struct run *r, struct slice name)
{
	static const struct imap_handover handover = {.tag = S("in")};
	struct client *c = find_client(r, name.ptr[0]);
	struct slice response;

	if (!r->world->account) {
		if (world_account(r->world, r->quota) != LL_OK) {
			fail(r, "no account", name);
			return;
		}
		r->world->imap.append_limit = r->append_limit;
		r->world->imap.memory_max = r->memory;
	}
	if (!c)
		c = &r->clients[r->n_clients++];
	*c = (struct client){.name = (char)name.ptr[0],
		.conn = imap_conn_new(&r->world->imap, &handover),
		.sent = BUF_INIT(MAX_BYTES),
		.got = BUF_INIT(MAX_BYTES)};
	pump(r);
	if (!peek_response(c, &response) ||
		!slice_starts(response, S("in OK [CAPABILITY IMAP4rev2 ")))
		fail(r, "no greeting", buf_slice(&c->got));
	drop_response(c);
}

static void
close_client(struct client *c)
{
	imap_conn_free(c->conn);
	if (c->compressed) {
		deflateEnd(&c->deflate);
		inflateEnd(&c->inflate);
	}
	buf_done(&c->sent);
	buf_done(&c->got);
	VEC_DONE(&c->forbidden);
	c->conn = NULL;
	c->compressed = false;
}

static void
start_inflate(struct client *c)
{
	deflateInit2(&c->deflate, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
	inflateInit2(&c->inflate, -15);
	c->compressed = true;
}

static void
read_message(struct run *r, struct slice name)
{
	struct buf *b = calloc(1, sizeof(*b));
	void *old = NULL;

	if (!b)
		abort();
	*b = BUF_INIT(MAX_BYTES);
	while (r->text.len) {
		struct slice line = slice_line(&r->text);
		r->line++;
		if (slice_eq(line, S(".")))
			break;
		buf_put(b, line);
		buf_puts(b, "\r\n");
	}
	if (map_set(r->messages, name, b, &old) != LL_OK || old)
		abort();
}

static void
directive(struct run *r, struct slice line)
{
	struct slice arg = line, word = slice_split(&arg, ' ');
	struct client *c = arg.len ? find_client(r, arg.ptr[0]) : NULL;
	uint64_t n = 0;
	int err;

	err = slice_u64(slice_skip(arg, slice_starts(arg, S("+"))), UINT64_MAX / 2, &n);
	if (slice_eq(word, S("local")))
		return;
	if (slice_eq(word, S("quota")) && err == LL_OK)
		r->quota = n;
	else if (slice_eq(word, S("appendlimit")) && err == LL_OK)
		r->append_limit = n;
	else if (slice_eq(word, S("memory")) && err == LL_OK)
		r->memory = (size_t)n;
	else if (slice_eq(word, S("clock")) && err == LL_OK)
		r->world->clock += (int64_t)n;
	else if (slice_eq(word, S("message")))
		read_message(r, arg);
	else if (slice_eq(word, S("connect")) && arg.len == 1)
		connect_client(r, arg);
	else if (slice_eq(word, S("close")) && c)
		close_client(c);
	else if (slice_eq(word, S("inflate")) && c)
		start_inflate(c);
	else if (!slice_eq(word, S("deliver")))
		fail(r, "what is this", line);
	else if (world_deliver(r->world, message_of(r, arg)) != LL_OK)
		fail(r, "not delivered", arg);
}

/* Lines "A| ..." belong to the pattern before them. */
static void
take_pattern(struct run *r, uint8_t name, struct slice first, struct buf *ret)
{
	uint8_t mark[3] = {name, '|', ' '};

	buf_put(ret, first);
	for (;;) {
		struct slice rest = r->text, line = slice_line(&rest);
		if (!slice_starts(line, slice_new(mark, 2)))
			return;
		buf_puts(ret, "\r\n");
		buf_put(ret, slice_skip(line, 3));
		r->text = rest;
		r->line++;
	}
}

static void
check_quiet(struct run *r, struct client *c)
{
	pump(r);
	if (c->got.len)
		fail(r, "unexpected", buf_slice(&c->got));
}

static void
client_line(struct run *r, struct client *c, uint8_t kind, struct slice rest)
{
	CLEANUP(buf_done) struct buf pattern = BUF_INIT(MAX_BYTES);

	switch (kind) {
	case '>':
		send_line(r, c, rest);
		break;
	case '<':
		if (slice_eq(rest, S("..."))) {
			c->skipping = true;
			break;
		}
		take_pattern(r, (uint8_t)c->name, rest, &pattern);
		expect(r, c, buf_slice(&pattern));
		break;
	case '!':
		if (VEC_PUSH(&c->forbidden, rest))
			abort();
		break;
	case '-':
		check_quiet(r, c);
		break;
	default:
		pump(r);
		if (!c->closed)
			fail(r, "still open", S(""));
	}
}

static void
transcript_line(struct run *r, struct slice line)
{
	struct client *c = line.len > 1 ? find_client(r, line.ptr[0]) : NULL;

	if (!line.len || line.ptr[0] == '#')
		return;
	if (c && strchr("><!-$", line.ptr[1]))
		client_line(r, c, line.ptr[1], slice_skip(line, 3));
	else
		directive(r, line);
}

static void
free_text(void *p)
{
	buf_done(p);
	free(p);
}

static bool
run_file(struct world *w, const char *file, struct slice text, size_t step)
{
	struct run r = {.file = file, .step = step, .text = text, .world = w};

	r.vars = map_new();
	r.messages = map_new();
	world_account_close(w);
	while (r.text.len) {
		r.line++;
		transcript_line(&r, slice_line(&r.text));
	}
	for (size_t i = 0; i < r.n_clients; i++) {
		if (r.clients[i].conn)
			settle(&r, &r.clients[i]);
		close_client(&r.clients[i]);
	}
	map_free(r.vars, free_text);
	map_free(r.messages, free_text);
	return !r.failed;
}

static bool
read_file(const char *path, struct buf *ret)
{
	FILE *f = fopen(path, "rb");
	uint8_t block[4096];
	size_t n;

	if (!f)
		return false;
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_put(ret, slice_new(block, n));
	fclose(f);
	return ret->len > 0;
}

int
main(int argc, char **argv)
{
	struct world w;
	int failed = 0;

	if (argc < 2 || world_open(&w) != LL_OK) {
		fprintf(stderr, "usage: %s transcript...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		struct buf text = BUF_INIT(1 << 24);
		bool ok = read_file(argv[i], &text) &&
			run_file(&w, argv[i], buf_slice(&text), SIZE_MAX) &&
			run_file(&w, argv[i], buf_slice(&text), 1);

		printf("%s %s\n", ok ? "ok" : "FAILED", argv[i]);
		failed += !ok;
		buf_done(&text);
	}
	world_close(&w);
	return failed != 0;
}
