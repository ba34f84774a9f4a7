/* letterlock verify: is the web client that a server gives out the published one? It is compared
 * with a manifest: of the client that was built here, or one that a release key has signed. What
 * this shows is what the server gave to this program now; to one victim it might give something
 * else. */
#include "cli/verify.h"

#include <stdio.h>
#include <string.h>

/* The client that was built here; needed: there is nothing else to compare with. */
static void
take_own(struct verify *v)
{
	char space[4096];
	const char *path = release_pack_path(v->cli, space, sizeof(space));
	int r = release_manifest_own(path, &v->text);

	if (r == LL_OK)
		r = web_manifest_new(buf_slice(&v->text), &v->manifest);
	if (r == LL_OK)
		r = web_hash(buf_slice(&v->text), v->hash);
	if (r == LL_ERR_NOTFOUND && !cli_option(v->cli, "pack"))
		verify_fail(v,
			"there is nothing to compare with: give the release key with --key, or "
			"with\n--remember trust the server this once, and notice when it changes");
	else if (r)
		verify_fail(v, "%s: %s", path, ll_strerror(r));
}

/* --- saying it --- */

static void
put_release(struct json *j, const struct verify_trust *t)
{
	const struct web_release *e = web_log_newest(t->log);

	json_open_object(j, "release");
	json_number(j, "number", e->number);
	json_put_string(j, "date", e->date);
	json_hex(j, "key", SLICE_OF(t->key));
	json_text(j, "keyFrom", t->key_from);
	json_number(j, "remembered", t->remembered);
	if (t->note[0])
		json_text(j, "note", t->note);
	json_object_end(j);
}

static int
print_json(struct verify *v, const struct verify_trust *t, const char *words)
{
	json_array_end(&v->json);
	json_number(&v->json, "same", v->checked - v->different);
	json_number(&v->json, "total", v->checked);
	json_put_string(&v->json, "version", web_manifest_version(v->manifest));
	json_text(&v->json, "build", words);
	if (t->log)
		put_release(&v->json, t);
	json_object_end(&v->json);
	return cli_print_json(v->cli, &v->json);
}

static void
say_release(const struct verify_trust *t)
{
	const struct web_release *e = web_log_newest(t->log);

	printf("It is release %llu, of %s. The key is %s:\n  ", (unsigned long long)e->number,
		cli_safe(e->date), t->key_from);
	for (size_t i = 0; i < sizeof(t->key); i++)
		printf("%02x", t->key[i]);
	if (t->remembered)
		printf("\nIts log goes on from release %llu, which was seen here before.\n",
			(unsigned long long)t->remembered);
	else
		printf("\nIts log has not been seen here before; the next time it is compared with "
		       "this one.\n");
	if (t->note[0])
		printf("%s\n", t->note);
}

static void
say_limits(const struct verify_trust *t)
{
	printf("\nShown: %s\n"
	       "Not shown: what the server gives to others or at another time; whether the program "
	       "that\nwas %s is a good one.%s\n",
		t->log ? "this server gave this program, which asked as itself and as three browsers, "
			 "the files\nthat the key's owner has signed, and nothing else."
		       : "this server gave this program, which asked as itself and as three browsers, "
			 "the files\nthat were built here, and nothing else.",
		t->log ? "signed" : "built",
		t->log ? " Whether there is a newer\nrelease is known elsewhere: compare with "
			 "--log."
		       : "");
}

static int
result(struct verify *v, const struct verify_trust *t)
{
	char words[WEB_HASH_WORDS_LEN + 1];
	int status = v->different ? CLI_FAILED : CLI_OK;

	if (v->failure[0])
		return cli_fail(
			v->cli, "%s: %s", v->origin[0] ? v->origin : v->cli->args[0], v->failure);
	web_hash_words(v->hash, words);
	if (v->cli->json)
		return print_json(v, t, words) ? CLI_FAILED : status;
	printf("%zu of %zu files and views are the same as in Letterlock %s, build\n  %s\n",
		v->checked - v->different, v->checked, cli_safe(web_manifest_version(v->manifest)),
		words);
	if (t->log)
		say_release(t);
	if (status == CLI_OK)
		say_limits(t);
	return status;
}

static void
run(struct verify *v, struct verify_trust *t)
{
	bool release;

	if (cli_option(v->cli, "forget"))
		verify_forget(v);
	release = verify_wants_release(v);
	if (!release || cli_option(v->cli, "pack"))
		take_own(v);
	if (release && !v->failure[0])
		verify_release(v, t);
	json_open_object(&v->json, NULL);
	json_open_array(&v->json, "different");
	if (!v->failure[0])
		verify_compare(v);
}

int
cli_verify(struct cli *cli)
{
	struct verify v = {.cli = cli, .json = JSON_INIT, .text = BUF_INIT(WEB_MANIFEST_MAX)};
	struct verify_trust t = {.text = BUF_INIT(WEB_LOG_MAX)};
	int status;

	if (verify_open(&v, cli->args[0]))
		run(&v, &t);
	status = result(&v, &t);
	verify_trust_done(&t);
	verify_close(&v);
	web_manifest_free(v.manifest);
	buf_done(&v.text);
	json_done(&v.json);
	return status;
}
