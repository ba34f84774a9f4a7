/* app-password ... and password set: what its owner does with an account's unlockers. */
#include "base/secret.h"
#include "base/text.h"
#include "cli/owner.h"
#include "os/clock.h"

#include <stdio.h>
#include <string.h>

#define DAY 86400

/* --- signing in --- */

/* Asks for the password, or with --recovery-code for that, and opens the account. */
static int
open_owner(struct cli *cli, struct owner *o, const char *question)
{
	CLEANUP(prompt_free) struct prompt_secret *secret = NULL;
	struct app_password code;
	int r;

	if (!cli_option(cli, "recovery-code")) {
		if (!prompt_password(cli, question, &secret))
			return CLI_FAILED;
		r = owner_open(o, cli, cli->args[0], prompt_slice(secret), NULL);
		return r ? cli_failed(cli) : CLI_OK;
	}
	if (!prompt_secret(cli, "Recovery code", &secret))
		return CLI_FAILED;
	if (app_password_parse(prompt_slice(secret), &code))
		return cli_fail(cli, "this is not a recovery code: it has 26 characters");
	r = owner_open(o, cli, cli->args[0], SLICE_NONE, &code);
	secret_wipe(&code, sizeof(code));
	return r ? cli_failed(cli) : CLI_OK;
}

/* --- scopes --- */

/* The bits of a list of names. */
static int
parse_names(const char *text, const char *(*name)(unsigned), unsigned last, bool numbered,
	unsigned *ret)
{
	struct slice rest = slice_str(text);
	unsigned bits = 0;

	while (rest.len) {
		struct slice word = slice_trim(slice_split(&rest, ','));
		unsigned i = 1;
		while (i <= last && !(name(i) && slice_ieq(word, slice_str(name(i)))))
			i = numbered ? i + 1 : i << 1;
		if (i > last)
			return LL_ERR_SYNTAX;
		bits |= numbered ? SCOPE_AREA(i) : i;
	}
	*ret = bits;
	return LL_OK;
}

static int
take_scope(struct cli *cli, struct scope *ret)
{
	const char *areas = cli_option(cli, "areas"), *protocols = cli_option(cli, "protocols");
	const char *expires = cli_option(cli, "expires");
	struct scope s = {.areas = SCOPE_AREA(RECORD_AREA_MAIL),
		.protocols = SCOPE_IMAP | SCOPE_SMTP | SCOPE_POP | SCOPE_JMAP};
	uint64_t days;

	if (cli_option(cli, "send-only") && (areas || protocols))
		return cli_usage(cli, "--send-only says it all: no --areas, no --protocols");
	if (cli_option(cli, "send-only"))
		s = (struct scope){.protocols = SCOPE_SMTP};
	if (areas && parse_names(areas, scope_area_name, RECORD_AREAS - 1, true, &s.areas))
		return cli_usage(cli,
			"areas are mail, calendar, contacts, files, archive, with commas between");
	if (protocols &&
		(parse_names(protocols, scope_protocol_name, SCOPE_SIEVE, false, &s.protocols) ||
			!s.protocols))
		return cli_usage(cli,
			"protocols are imap, pop, smtp, dav, eas, jmap, sieve, with commas "
			"between");
	if (expires && (slice_u64(slice_str(expires), 36500, &days) || days == 0))
		return cli_usage(cli, "--expires is a number of days");
	s.expires = expires ? clock_unix() + (int64_t)days * DAY : 0;
	*ret = s;
	return CLI_OK;
}

static void
put_names(struct buf *out, unsigned bits, const char *(*name)(unsigned), bool areas)
{
	bool first = true;

	for (unsigned i = 0; i < 8; i++) {
		const char *text = bits & (1u << i) ? name(areas ? i : 1u << i) : NULL;
		if (!text)
			continue;
		buf_printf(out, "%s%s", first ? "" : ",", text);
		first = false;
	}
}

/* --- app-password --- */

static int
show_new_app(struct cli *cli, const uint8_t id[RECORD_ID_LEN], const struct app_password *p)
{
	CLEANUP(json_done) struct json j = JSON_INIT;
	char grouped[APP_PASSWORD_GROUPED_LEN + 1];

	if (cli->json) {
		json_open_object(&j, NULL);
		json_text(&j, "address", cli->args[0]);
		json_hex(&j, "id", slice_new(id, RECORD_ID_LEN));
		json_text(&j, "name", cli->args[1]);
		json_text(&j, "password", p->text);
		json_object_end(&j);
		return cli_print_json(cli, &j);
	}
	app_password_group(p, grouped);
	printf("App password \"%s\" (shown once):\n  %s\n  to read: %s\n",
		cli_safe(slice_str(cli->args[1])), p->text, grouped);
	secret_wipe(grouped, sizeof(grouped));
	return CLI_OK;
}

/* The password of a mail program that is there already. */
static int
take_given(struct cli *cli, struct app_password *ret)
{
	CLEANUP(prompt_free) struct prompt_secret *line = NULL;

	if (!prompt_line(cli, "app password", &line))
		return CLI_FAILED;
	return app_password_parse(prompt_slice(line), ret)
		? cli_fail(cli,
			  "an app password is 26 characters of Crockford base32 (130 random bits)")
		: CLI_OK;
}

int
cli_app_add(struct cli *cli)
{
	CLEANUP(owner_done) struct owner o = {0};
	bool give = cli_option(cli, "app-password-stdin") != NULL;
	struct app_password given, made;
	uint8_t id[RECORD_ID_LEN];
	struct scope scope;
	int r = take_scope(cli, &scope);

	if (r)
		return r;
	if (strlen(cli->args[1]) > UNLOCK_NAME_MAX)
		return cli_usage(cli, "a name has at most %d bytes", UNLOCK_NAME_MAX);
	if (!client_open(cli) || open_owner(cli, &o, "Password of the account") ||
		(give && take_given(cli, &given)))
		return CLI_FAILED;
	r = owner_add_app(&o, &scope, cli->args[1], give ? &given : NULL, &made, id);
	if (r == LL_OK)
		r = owner_update(&o);
	r = r ? cli_failed(cli) : show_new_app(cli, id, &made);
	secret_wipe(&given, sizeof(given));
	secret_wipe(&made, sizeof(made));
	return r;
}

struct app_listing {
	struct cli *cli;
	struct json *j;
	const char *wanted; /* for app-password revoke: a name, or the start of an id */
	unsigned n; /* shown, or found */
	uint8_t found[RECORD_ID_LEN];
};

static void
put_unlocker(struct json *j, const struct control_unlocker *u, struct slice areas,
	struct slice protocols)
{
	json_open_object(j, NULL);
	json_hex(j, "id", SLICE_OF(u->id));
	json_text(j, "type", unlock_type_name(u->type) ? unlock_type_name(u->type) : "unknown");
	json_put_string(j, "name", u->name);
	json_put_string(j, "areas", areas);
	json_put_string(j, "protocols", protocols);
	json_number(j, "created", u->created);
	json_number(j, "expires", u->expires);
	json_number(j, "last_used", u->last_used);
	json_object_end(j);
}

static int
show_unlocker(void *ctx, struct slice item)
{
	CLEANUP(buf_done)
	struct buf areas = BUF_INIT(256), protocols = BUF_INIT(256), id = BUF_INIT(64);
	struct app_listing *l = ctx;
	struct control_unlocker u;
	int r = control_unlocker_get(item, &u);

	if (r)
		return r;
	l->n++;
	put_names(&areas, u.areas & SCOPE_AREAS_ALL, scope_area_name, true);
	put_names(&protocols, u.protocols, scope_protocol_name, false);
	if (u.areas == SCOPE_ROOT)
		buf_puts(&areas, "all");
	else if (areas.len == 0)
		buf_puts(&areas, "none");
	if (l->cli->json) {
		put_unlocker(l->j, &u, buf_slice(&areas), buf_slice(&protocols));
		return LL_OK;
	}
	hex_encode(&id, SLICE_OF(u.id));
	printf("%.8s  %-12s %-24s areas %s%s%s; since %s", (const char *)id.ptr,
		unlock_type_name(u.type) ? unlock_type_name(u.type) : "?",
		u.name.len ? cli_safe(u.name) : "-", cli_safe(buf_slice(&areas)),
		protocols.len ? "; protocols " : "", cli_safe(buf_slice(&protocols)),
		cli_time(u.created));
	if (u.expires && u.expires <= u.created)
		printf(", never fetched");
	else if (u.expires)
		printf(", until %s", cli_time(u.expires));
	if (u.type == UNLOCK_APP)
		printf(", last used %.10s", cli_time(u.last_used));
	putchar('\n');
	return LL_OK;
}

static int
call_list(struct cli *cli, struct slice *ret)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	struct control_name m = {.name = slice_str(cli->args[0])};

	if (control_name_put(&body, &m))
		return cli_usage(cli, "the address is too long");
	return client_call(cli, "unlocker-list", buf_slice(&body), ret) ? cli_failed(cli) : CLI_OK;
}

int
cli_app_list(struct cli *cli)
{
	CLEANUP(json_done) struct json j = JSON_INIT;
	struct app_listing l = {.cli = cli, .j = &j};
	struct slice answer;
	int r;

	if (!client_open(cli))
		return CLI_FAILED;
	if ((r = call_list(cli, &answer)))
		return r;
	json_open_array(&j, NULL);
	if (client_items(answer, show_unlocker, &l))
		return cli_fail(cli, "the server's answer makes no sense");
	json_array_end(&j);
	return cli->json ? cli_print_json(cli, &j) : CLI_OK;
}

static int
find_unlocker(void *ctx, struct slice item)
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(64);
	struct app_listing *l = ctx;
	struct slice wanted = slice_str(l->wanted);
	struct control_unlocker u;
	int r = control_unlocker_get(item, &u);

	if (r || u.type != UNLOCK_APP)
		return r;
	hex_encode(&id, SLICE_OF(u.id));
	if (!slice_eq(u.name, wanted) &&
		!(wanted.len >= 8 && slice_istarts(buf_slice(&id), wanted)))
		return LL_OK;
	l->n++;
	memcpy(l->found, u.id, sizeof(l->found));
	return LL_OK;
}

int
cli_app_revoke(struct cli *cli)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	struct app_listing l = {.cli = cli, .wanted = cli->args[1]};
	struct control_unlocker_ref m = {.name = slice_str(cli->args[0])};
	struct slice answer;
	int r;

	if (!client_open(cli))
		return CLI_FAILED;
	if ((r = call_list(cli, &answer)))
		return r;
	if (client_items(answer, find_unlocker, &l))
		return cli_fail(cli, "the server's answer makes no sense");
	if (l.n != 1)
		return cli_fail(cli,
			l.n ? "there are several with this name: give the id of one (app-password "
			      "list)"
			    : "there is no app password with this name or id");
	memcpy(m.id, l.found, sizeof(m.id));
	if (control_unlocker_ref_put(&body, &m) ||
		client_call(cli, "unlocker-revoke", buf_slice(&body), &answer))
		return cli_failed(cli);
	return cli_done(
		cli, "Revoked: it signs nobody in, and connections made with it have ended.");
}

/* --- password set --- */

int
cli_password_set(struct cli *cli)
{
	CLEANUP(owner_done) struct owner o = {0};
	CLEANUP(prompt_free) struct prompt_secret *password = NULL;
	bool rotate = cli_option(cli, "rotate") != NULL;
	int r;

	if (!client_open(cli) || open_owner(cli, &o, "Present password") ||
		!prompt_new_password(cli, &password))
		return CLI_FAILED;
	r = owner_set_password(&o, prompt_slice(password), rotate);
	if (r == LL_OK)
		r = owner_update(&o);
	return r ? cli_failed(cli) : cli_done(cli, "The password is set.");
}
