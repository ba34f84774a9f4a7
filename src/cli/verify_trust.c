/* Whether a server's log of releases can be believed: a key stands behind it, and it goes on from
 * what was seen before. What was seen is kept: each server's log in a file of its own. */
#include "cli/verify.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_PATH S("/.well-known/letterlock/log")
#define MANIFEST_PATH S("/.well-known/letterlock/manifest")
#define PATH_LEN 2048
#define SEEN_MAX 1000 /* servers */

struct seen {
	struct buf text;
	struct web_log *log;
};

static void
seen_done(struct seen *s)
{
	buf_done(&s->text);
	web_log_free(s->log);
}

#define SEEN_INIT ((struct seen){.text = BUF_INIT(WEB_LOG_MAX)})

/* --- what is kept --- */

static bool
state_folder(const struct verify *v, char out[PATH_LEN])
{
	const char *given = cli_option(v->cli, "state"), *state = getenv("XDG_STATE_HOME"),
		   *home = getenv("HOME");
	int n = given			   ? snprintf(out, PATH_LEN, "%s", given)
		: state && state[0] == '/' ? snprintf(out, PATH_LEN, "%s/letterlock/verify", state)
		: home && home[0] == '/'
		? snprintf(out, PATH_LEN, "%s/.local/state/letterlock/verify", home)
		: -1;

	return n > 0 && n < PATH_LEN - 512;
}

/* The file of this server: its name and port, none of which can lead out of the folder. */
static bool
state_path(const struct verify *v, char out[PATH_LEN])
{
	const char *name = v->origin + strlen("https://");
	size_t at;

	if (!state_folder(v, out))
		return false;
	at = strlen(out);
	out[at++] = '/';
	for (; *name; name++)
		out[at++] = *name == ':' ? '_' : *name;
	memcpy(out + at, ".log", 5);
	return true;
}

/* LL_ERR_NOTFOUND: nothing was seen. */
static int
read_seen(const char *path, struct seen *ret)
{
	const char *why;
	int r = release_file_read(path, &ret->text);

	return r ? r : web_log_new(buf_slice(&ret->text), &ret->log, &why);
}

static int
make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return LL_ERR_IO;
		*slash = '/';
	}
	return LL_OK;
}

static void
keep(const struct verify *v, struct verify_trust *t)
{
	char path[PATH_LEN];

	if (t->remembered == web_log_newest(t->log)->number)
		return;
	if (!state_path(v, path) || make_folders(path) ||
		release_file_write(path, buf_slice(&t->text), 0600))
		snprintf(t->note, sizeof(t->note),
			"What was seen could not be kept, so the next time it is not compared.");
}

void
verify_forget(struct verify *v)
{
	char path[PATH_LEN];

	if (state_path(v, path) && unlink(path) && errno != ENOENT)
		verify_fail(v, "%s: %s", path, strerror(errno));
}

bool
verify_wants_release(const struct verify *v)
{
	uint8_t key[ED25519_PUBLIC_LEN];
	char path[PATH_LEN];

	return cli_option(v->cli, "key") || cli_option(v->cli, "remember") ||
		release_key_builtin(key) || (state_path(v, path) && access(path, F_OK) == 0);
}

/* --- comparing logs --- */

/* Whether the served log goes on from one that is known. whose: "this server", for people. */
static void
check_against(struct verify *v, const struct verify_trust *t, const struct web_log *known,
	const char *whose)
{
	size_t common = web_log_common(t->log, known), len = web_log_len(t->log);

	if (common == web_log_len(known))
		return;
	if (common == len)
		verify_fail(v,
			"the server has gone back: its log ends at release %zu, and %s has "
			"release %zu",
			len, whose, web_log_len(known));
	else
		verify_fail(v,
			"two histories: release %zu of the server's log is not the one that %s "
			"has",
			common + 1, whose);
}

static void
check_remembered(struct verify *v, struct verify_trust *t)
{
	CLEANUP(seen_done) struct seen s = SEEN_INIT;
	char path[PATH_LEN];
	int r = state_path(v, path) ? read_seen(path, &s) : LL_ERR_NOTFOUND;

	if (r == LL_ERR_NOTFOUND)
		return;
	if (r) {
		verify_fail(v, "%s: %s", path, ll_strerror(r));
		return;
	}
	check_against(v, t, s.log, "what was seen here before");
	t->remembered = web_log_newest(s.log)->number;
	if (!t->key_from) {
		memcpy(t->key, web_log_newest(s.log)->signer, sizeof(t->key));
		t->key_from = "remembered from before";
	}
}

static void
check_given_log(struct verify *v, const struct verify_trust *t)
{
	CLEANUP(seen_done) struct seen s = SEEN_INIT;
	const char *path = cli_option(v->cli, "log");
	int r = path ? read_seen(path, &s) : LL_OK;

	if (path && r)
		verify_fail(v, "%s: %s", path, ll_strerror(r));
	else if (path)
		check_against(v, t, s.log, path);
}

/* Another server may lag behind with its update, but one key has one history. */
static void
check_elsewhere(struct verify *v, struct verify_trust *t, const char *path, const char *name)
{
	CLEANUP(seen_done) struct seen s = SEEN_INIT;
	size_t common, shorter;

	if (read_seen(path, &s) || !web_log_related(s.log, t->log))
		return;
	common = web_log_common(s.log, t->log);
	shorter = MIN(web_log_len(s.log), web_log_len(t->log));
	if (common < shorter)
		verify_fail(v, "two histories: release %zu is another one at %s", common + 1, name);
	else if (web_log_len(s.log) > web_log_len(t->log))
		snprintf(t->note, sizeof(t->note),
			"This is an old release: %.100s has release %zu.",
			cli_safe(slice_str(name)), web_log_len(s.log));
}

static void
check_others(struct verify *v, struct verify_trust *t)
{
	char folder[PATH_LEN], path[PATH_LEN + 300];
	struct dirent *e;
	DIR *d = state_folder(v, folder) ? opendir(folder) : NULL;

	for (unsigned n = 0; d && n < SEEN_MAX && (e = readdir(d)); n++) {
		struct slice name = slice_str(e->d_name);
		if (!slice_ends(name, S(".log")))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		check_elsewhere(v, t, path, e->d_name);
	}
	if (d)
		closedir(d);
}

/* --- what the server says --- */

/* The same text for everybody, or it is not believed. */
static void
fetch_text(struct verify *v, struct slice path, const char *what, struct buf *out)
{
	for (enum verify_guise g = 0; g < VERIFY_GUISES && !v->failure[0]; g++) {
		struct verify_answer a;
		if (verify_fetch(v, g, path, S("text/plain"), out->max, &a)) {
			if (a.status != 200)
				verify_fail(v, "the server has no %s", what);
			else if (a.longer || a.garbled)
				verify_fail(v, "the server's %s cannot be read", what);
			else if (g == 0)
				(void)buf_put(out, buf_slice(&a.body));
			else if (!slice_eq(buf_slice(&a.body), buf_slice(out)))
				verify_fail(v, "the server's %s depends on who asks", what);
		}
		verify_answer_done(&a);
	}
}

static void
find_key(struct verify *v, struct verify_trust *t)
{
	const char *given = cli_option(v->cli, "key");
	int r = given ? release_key_public(given, t->key) : LL_OK;

	if (r)
		verify_fail(v, "%s: %s", given, ll_strerror(r));
	else if (given)
		t->key_from = "given with --key";
	else if (release_key_builtin(t->key))
		t->key_from = "built into this program";
}

static void
check_key(struct verify *v, struct verify_trust *t)
{
	if (!t->key_from) {
		memcpy(t->key, web_log_newest(t->log)->signer, sizeof(t->key));
		t->key_from = "what the server itself says, remembered from now on";
	}
	if (!web_log_vouches(t->log, t->key))
		verify_fail(v, "the log of releases is signed by another key than the one %s",
			t->key_from);
}

static void
read_log(struct verify *v, struct verify_trust *t)
{
	const char *why = NULL;

	fetch_text(v, LOG_PATH, "log of releases", &t->text);
	if (slice_eq(buf_slice(&t->text), S(WEB_LOG_HEAD)))
		verify_fail(v, "the server has no log of releases");
	if (!v->failure[0] && web_log_new(buf_slice(&t->text), &t->log, &why))
		verify_fail(v, "the server's log of releases: %s", why);
}

/* A manifest that was signed once says why it is refused now. */
static void
refuse_manifest(struct verify *v, const struct verify_trust *t)
{
	for (size_t i = 0; i < web_log_len(t->log); i++)
		if (memcmp(web_log_at(t->log, i)->manifest, v->hash, WEB_HASH_LEN) == 0)
			verify_fail(v,
				"the server gives out an old release: %zu, and its log has %zu",
				i + 1, web_log_len(t->log));
	verify_fail(v, "the server's manifest is not the one that the newest release names");
}

static void
read_manifest(struct verify *v, const struct verify_trust *t)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(WEB_MANIFEST_MAX);
	const struct web_release *e = web_log_newest(t->log);
	struct web_manifest *m = NULL;

	fetch_text(v, MANIFEST_PATH, "manifest", &text);
	if (v->failure[0])
		return;
	if (v->manifest && !slice_eq(buf_slice(&text), buf_slice(&v->text)))
		verify_fail(
			v, "the server's manifest is not that of the client that was built here");
	if (web_hash(buf_slice(&text), v->hash) || memcmp(v->hash, e->manifest, WEB_HASH_LEN) != 0)
		refuse_manifest(v, t);
	else if (web_manifest_new(buf_slice(&text), &m) ||
		!slice_eq(web_manifest_version(m), e->version))
		verify_fail(v, "the manifest that was signed cannot be read");
	web_manifest_free(v->manifest);
	buf_done(&v->text);
	v->manifest = m;
	v->text = text;
	text = BUF_INIT(0);
}

void
verify_release(struct verify *v, struct verify_trust *t)
{
	find_key(v, t);
	if (!v->failure[0])
		read_log(v, t);
	if (v->failure[0])
		return;
	check_remembered(v, t);
	check_key(v, t);
	check_given_log(v, t);
	check_others(v, t);
	if (!v->failure[0])
		read_manifest(v, t);
	if (!v->failure[0])
		keep(v, t);
}

void
verify_trust_done(struct verify_trust *t)
{
	buf_done(&t->text);
	web_log_free(t->log);
}
