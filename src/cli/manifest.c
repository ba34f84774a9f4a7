/* manifest ...: what a release of the web client consists of, and signing it. The key that signs is
 * kept where no server is; nothing here needs one. */
#include "base/secret.h"
#include "base/text.h"
#include "cli/release.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct build {
	struct buf text;
	struct web_manifest *manifest;
	uint8_t hash[WEB_HASH_LEN];
};

static void
build_done(struct build *b)
{
	buf_done(&b->text);
	web_manifest_free(b->manifest);
}

static int
build_own(struct cli *cli, struct build *ret)
{
	char space[4096];
	const char *path = release_pack_path(cli, space, sizeof(space));
	int r = release_manifest_own(path, &ret->text);

	if (r == LL_OK)
		r = web_manifest_new(buf_slice(&ret->text), &ret->manifest);
	if (r == LL_OK)
		r = web_hash(buf_slice(&ret->text), ret->hash);
	return r ? cli_fail(cli, "%s: %s", path, ll_strerror(r)) : CLI_OK;
}

#define BUILD_INIT ((struct build){.text = BUF_INIT(WEB_MANIFEST_MAX)})

/* --- show --- */

static void
json_hash(struct json *j, const char *key, const uint8_t hash[WEB_HASH_LEN])
{
	json_hex(j, key, slice_new(hash, WEB_HASH_LEN));
}

int
cli_manifest_show(struct cli *cli)
{
	CLEANUP(build_done) struct build b = BUILD_INIT;
	CLEANUP(json_done) struct json j = JSON_INIT;
	char words[WEB_HASH_WORDS_LEN + 1];
	int r = build_own(cli, &b);

	if (r)
		return r;
	web_hash_words(b.hash, words);
	if (cli->json) {
		json_open_object(&j, NULL);
		json_put_string(&j, "version", web_manifest_version(b.manifest));
		json_text(&j, "build", words);
		json_hash(&j, "hash", b.hash);
		json_number(&j, "files", web_manifest_len(b.manifest));
		json_object_end(&j);
		return cli_print_json(cli, &j);
	}
	if (cli_option(cli, "short"))
		printf("Letterlock %s, build %s\n", LETTERLOCK_VERSION, words);
	else
		fwrite(b.text.ptr, 1, b.text.len, stdout);
	return CLI_OK;
}

/* --- keygen --- */

static int
write_key(struct cli *cli, const char *path, struct slice text, unsigned mode)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return cli_fail(cli, "%s: it exists, and is left as it is", path);
	return release_file_write(path, text, mode) ? cli_fail(cli, "%s: %s", path, strerror(errno))
						    : CLI_OK;
}

static int
show_key(struct cli *cli, const struct ed25519_key *key, const char *public_path)
{
	CLEANUP(json_done) struct json j = JSON_INIT;
	CLEANUP(buf_done) struct buf hex = BUF_INIT(128);

	hex_encode(&hex, SLICE_OF(key->public));
	buf_putc(&hex, 0);
	if (buf_err(&hex))
		return cli_fail(cli, "%s", ll_strerror(buf_err(&hex)));
	if (cli->json) {
		json_open_object(&j, NULL);
		json_text(&j, "key", (char *)hex.ptr);
		json_object_end(&j);
		return cli_print_json(cli, &j);
	}
	printf("%s\nPublish %s, or this line, where people look who do not trust the server. The "
	       "other file\nsigns releases: keep it away from every server, and keep a copy.\n",
		(char *)hex.ptr, public_path);
	return CLI_OK;
}

int
cli_manifest_keygen(struct cli *cli)
{
	CLEANUP(ed25519_key_wipe) struct ed25519_key key;
	CLEANUP(buf_done) struct buf secret = BUF_SECRET(256);
	CLEANUP(buf_done) struct buf public = BUF_INIT(256);
	uint8_t seed[ED25519_SEED_LEN];
	char public_path[4096];
	int r;

	randombytes_buf(seed, sizeof(seed));
	ed25519_key_init(&key, seed);
	secret_wipe(seed, sizeof(seed));
	if (strlen(cli->args[0]) > sizeof(public_path) - 16)
		return cli_usage(cli, "the file's name is too long");
	snprintf(public_path, sizeof(public_path), "%s.pub", cli->args[0]);
	if (release_key_put(&key, &secret, &public))
		return cli_fail(cli, "no memory");
	r = write_key(cli, cli->args[0], buf_slice(&secret), 0600);
	if (r == CLI_OK)
		r = write_key(cli, public_path, buf_slice(&public), 0644);
	return r ? r : show_key(cli, &key, public_path);
}

/* --- sign and check --- */

struct log_file {
	struct buf text;
	struct web_log *log; /* NULL: there is none yet */
};

static void
log_file_done(struct log_file *f)
{
	buf_done(&f->text);
	web_log_free(f->log);
}

#define LOG_FILE_INIT ((struct log_file){.text = BUF_INIT(WEB_LOG_MAX)})

static int
log_file_read(struct cli *cli, const char *path, bool may_miss, struct log_file *ret)
{
	const char *why = NULL;
	int r = release_file_read(path, &ret->text);

	if (r == LL_ERR_NOTFOUND && may_miss)
		return CLI_OK;
	if (r == LL_OK)
		r = web_log_new(buf_slice(&ret->text), &ret->log, &why);
	return r ? cli_fail(cli, "%s: %s", path, why ? why : ll_strerror(r)) : CLI_OK;
}

/* "2026-11-22" in UTC, or what --date says. */
static const char *
release_date(const struct cli *cli, char space[16])
{
	const char *given = cli_option(cli, "date");
	time_t now = time(NULL);
	struct tm tm;

	if (given)
		return given;
	(void)strftime(space, 16, "%Y-%m-%d", gmtime_r(&now, &tm));
	return space;
}

static int
next_key(struct cli *cli, const struct ed25519_key *key, uint8_t ret[ED25519_PUBLIC_LEN])
{
	const char *given = cli_option(cli, "next-key");
	int r = given ? release_key_public(given, ret) : LL_OK;

	if (!given)
		memcpy(ret, key->public, ED25519_PUBLIC_LEN);
	return r ? cli_fail(cli, "%s: %s", given, ll_strerror(r)) : CLI_OK;
}

static int
show_release(struct cli *cli, const struct web_log *log)
{
	const struct web_release *e = web_log_newest(log);
	CLEANUP(json_done) struct json j = JSON_INIT;
	char words[WEB_HASH_WORDS_LEN + 1];

	web_hash_words(e->manifest, words);
	if (!cli->json) {
		printf("Release %llu of %s: Letterlock %s, build %s\n",
			(unsigned long long)e->number, cli_safe(e->date), cli_safe(e->version),
			words);
		return CLI_OK;
	}
	json_open_object(&j, NULL);
	json_number(&j, "release", e->number);
	json_put_string(&j, "date", e->date);
	json_put_string(&j, "version", e->version);
	json_text(&j, "build", words);
	json_hash(&j, "hash", e->manifest);
	json_hex(&j, "signer", SLICE_OF(e->signer));
	json_object_end(&j);
	return cli_print_json(cli, &j);
}

static int
append(struct cli *cli, struct log_file *f, const struct build *b, const struct ed25519_key *key)
{
	uint8_t next[ED25519_PUBLIC_LEN];
	char space[16];
	int r = next_key(cli, key, next);

	if (r)
		return r;
	r = web_log_append(&f->text, f->log, web_manifest_version(b->manifest),
		slice_str(release_date(cli, space)), b->hash, key, next);
	if (r == LL_ERR_DENIED)
		return cli_fail(cli, "%s: its newest release names another key", cli->args[0]);
	if (r == LL_ERR_SYNTAX)
		return cli_fail(
			cli, "the date is no day like 2026-11-22, or before the newest release");
	return r ? cli_fail(cli, "%s", ll_strerror(r)) : CLI_OK;
}

int
cli_manifest_sign(struct cli *cli)
{
	CLEANUP(ed25519_key_wipe) struct ed25519_key key = {.secret = {0}};
	CLEANUP(log_file_done) struct log_file before = LOG_FILE_INIT;
	CLEANUP(build_done) struct build b = BUILD_INIT;
	struct web_log *after = NULL;
	const char *path = cli_option(cli, "key"), *why;
	int r = path ? release_key_secret(path, &key) : LL_OK;

	if (!path)
		return cli_usage(cli, "--key is needed");
	if (r)
		return cli_fail(cli, "%s: %s", path,
			r == LL_ERR_DENIED ? "others can read it; its mode must be 0600"
					   : ll_strerror(r));
	r = build_own(cli, &b);
	if (r == CLI_OK)
		r = log_file_read(cli, cli->args[0], true, &before);
	if (r == CLI_OK)
		r = append(cli, &before, &b, &key);
	if (r)
		return r;
	/* Nothing is written that verify would not take. */
	if (web_log_new(buf_slice(&before.text), &after, &why))
		return cli_fail(cli, "%s: %s", cli->args[0], why);
	r = release_file_write(cli->args[0], buf_slice(&before.text), 0644)
		? cli_fail(cli, "%s: %s", cli->args[0], strerror(errno))
		: show_release(cli, after);
	web_log_free(after);
	return r;
}

/* Whether the newest release is of the client that was built here. */
static int
check_build(struct cli *cli, const struct web_log *log)
{
	CLEANUP(build_done) struct build b = BUILD_INIT;
	int r = build_own(cli, &b);

	if (r)
		return r;
	return memcmp(web_log_newest(log)->manifest, b.hash, WEB_HASH_LEN) == 0
		? CLI_OK
		: cli_fail(cli, "the newest release is not of that client");
}

int
cli_manifest_check(struct cli *cli)
{
	CLEANUP(log_file_done) struct log_file f = LOG_FILE_INIT;
	const char *given = cli_option(cli, "key");
	uint8_t key[ED25519_PUBLIC_LEN];
	int r = log_file_read(cli, cli->args[0], false, &f), k;

	if (r)
		return r;
	k = given ? release_key_public(given, key) : LL_OK;
	if (k)
		return cli_fail(cli, "%s: %s", given, ll_strerror(k));
	if (!given && !release_key_builtin(key))
		return cli_usage(cli, "--key is needed: no release key is built into this program");
	if (!web_log_vouches(f.log, key))
		return cli_fail(cli, "%s: it is signed by another key", cli->args[0]);
	r = cli_option(cli, "pack") ? check_build(cli, f.log) : CLI_OK;
	return r ? r : show_release(cli, f.log);
}
