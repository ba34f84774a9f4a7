/* Comparing what is served with a manifest. Each file is asked for in several ways; all answers
 * must be the same bytes once decoded, with the fields that the manifest promises, and with no
 * field besides that a browser would act upon. */
#include "base/text.h"
#include "cli/verify.h"
#include "faces/web_policy.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* Fields that say nothing about what a page may do: of the transfer, of caches, of whom it comes
 * from. Anything else that the manifest does not name is told. */
static const struct slice harmless[] = {
	S("accept-ranges"),
	S("age"),
	S("connection"),
	S("content-encoding"),
	S("content-length"),
	S("date"),
	S("etag"),
	S("keep-alive"),
	S("last-modified"),
	S("server"),
	S("strict-transport-security"),
	S("transfer-encoding"),
	S("vary"),
	S("via"),
};

void
verify_differs(struct verify *v, struct slice path, const char *what, struct slice detail)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(4096);

	v->different++;
	buf_puts(&text, what);
	buf_put(&text, slice_sub(detail, 0, 512));
	if (!v->cli->json) {
		printf("differs: %s (%s)\n", cli_safe(path), cli_safe(buf_slice(&text)));
		return;
	}
	json_open_object(&v->json, NULL);
	json_put_string(&v->json, "path", path);
	json_put_string(&v->json, "what", buf_slice(&text));
	json_object_end(&v->json);
}

/* --- fields --- */

static const struct web_header *
promised(const struct web_header *list, unsigned n, struct slice name)
{
	for (unsigned i = 0; i < n; i++)
		if (slice_eq(list[i].name, name))
			return &list[i];
	return NULL;
}

static bool
is_harmless(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (slice_eq(harmless[i], name))
			return true;
	return false;
}

/* Once, with that value. */
static bool
stands(struct slice fields, const struct web_header *h)
{
	unsigned n = 0, right = 0;

	while (fields.len) {
		struct slice value = slice_split(&fields, '\n'), name = slice_split(&value, ':');
		n += slice_eq(name, h->name);
		right += slice_eq(name, h->name) && slice_eq(slice_skip(value, 1), h->value);
	}
	return n == 1 && right == 1;
}

static bool
all_stand(struct slice fields, const struct web_header *list, unsigned n, bool webkit,
	struct slice *ret)
{
	for (unsigned i = 0; i < n; i++)
		if (!stands(fields, &list[i]) &&
			!(webkit && web_policy_not_for_webkit(list[i].name))) {
			*ret = list[i].name;
			return false;
		}
	return true;
}

/* Whether the fields are as they should be; else the name of the first that is not. */
static bool
fields_fit(const struct verify *v, const struct web_manifest_file *f, enum verify_guise g,
	const struct verify_answer *a, struct slice *ret)
{
	struct slice rest = buf_slice(&a->fields);
	unsigned n_common;
	const struct web_header *common = web_manifest_common(v->manifest, &n_common);
	bool bound = v->loopback;

	if (!all_stand(rest, common, n_common, false, ret) ||
		!all_stand(rest, f->fields, f->n_fields, g == VERIFY_SAFARI, ret))
		return false;
	while (rest.len) {
		struct slice line = slice_split(&rest, '\n'), name = slice_split(&line, ':');
		bound = bound || slice_eq(name, S("strict-transport-security"));
		if (promised(common, n_common, name) || promised(f->fields, f->n_fields, name) ||
			is_harmless(name))
			continue;
		*ret = name;
		return false;
	}
	*ret = S("strict-transport-security");
	return bound;
}

/* --- files --- */

static bool
content_fits(const struct web_manifest_file *f, const struct verify_answer *a)
{
	uint8_t hash[WEB_HASH_LEN];

	return !a->longer && !a->garbled && a->body.len == f->size &&
		web_hash(buf_slice(&a->body), hash) == LL_OK &&
		memcmp(hash, f->hash, WEB_HASH_LEN) == 0;
}

static struct slice
type_of(const struct web_manifest_file *f)
{
	const struct web_header *type = promised(f->fields, f->n_fields, S("content-type"));

	return type ? type->value : S("");
}

/* Says what is wrong with an answer; true: nothing is. */
static bool
judge(struct verify *v, const struct web_manifest_file *f, struct slice path, enum verify_guise g,
	const struct verify_answer *a)
{
	struct slice field = SLICE_NONE;
	const char *what = a->status >= 300 && a->status < 400 ? "redirected"
		: a->status != 200			       ? "missing"
		: a->interim				       ? "an answer before the answer"
		: !content_fits(f, a)			       ? "content"
		: !fields_fit(v, f, g, a, &field)	       ? "header "
							       : NULL;
	static const char *const whom[VERIFY_GUISES] = {[VERIFY_CHROMIUM] = ", when a browser asks",
		[VERIFY_FIREFOX] = ", when another browser asks",
		[VERIFY_SAFARI] = ", when Safari asks"};
	char text[64];

	if (!what)
		return true;
	/* The first way shows it for all; in the others it is that somebody else asks. */
	snprintf(text, sizeof(text), "%s", what);
	if (whom[g]) {
		CLEANUP(buf_done) struct buf both = BUF_INIT(1024);
		buf_put(&both, slice_sub(field, 0, 512));
		buf_puts(&both, whom[g]);
		verify_differs(v, path, text, buf_slice(&both));
	} else {
		verify_differs(v, path, text, field);
	}
	return false;
}

/* --- what pages name --- */

/* A page may name files of the build only, and scripts with the hashes that these have. */
static bool
reference_fits(const struct web_manifest *m, struct slice page, size_t at, struct slice *ret)
{
	CLEANUP(buf_done) struct buf hash = BUF_INIT(128);
	struct slice rest = slice_skip(page, at);
	const struct web_manifest_file *f;

	*ret = slice_split(&rest, '"');
	f = web_manifest_find(m, *ret);
	if (!f)
		return false;
	if (slice_starts(rest, S(":\"sha384-")))
		rest = slice_skip(rest, 9);
	else if (slice_starts(rest, S(" integrity=\"sha384-")))
		rest = slice_skip(rest, 19);
	else
		return true;
	base64_encode(&hash, SLICE_OF(f->hash));
	return buf_err(&hash) == LL_OK && slice_starts(rest, buf_slice(&hash));
}

static void
check_references(struct verify *v, struct slice path, struct slice page)
{
	static const struct slice marks[] = {S(" src=\""), S(" href=\""), S("{\"/"), S(",\"/")};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		size_t skip = slice_ends(marks[i], S("/")) ? marks[i].len - 1 : marks[i].len;
		size_t at = 0, found;
		while ((found = slice_find(slice_skip(page, at), marks[i])) != SLICE_NPOS) {
			struct slice name;
			at += found + skip;
			if (!reference_fits(v->manifest, page, at, &name))
				verify_differs(v, path, "names what is not of the build: ", name);
		}
	}
}

static bool
fetch_and_judge(
	struct verify *v, const struct web_manifest_file *f, struct slice path, enum verify_guise g)
{
	struct verify_answer a;
	bool good = verify_fetch(v, g, path, type_of(f), (size_t)f->size, &a);

	good = good && judge(v, f, path, g, &a);
	if (good && g == VERIFY_PLAIN && slice_eq(path, f->path) &&
		slice_starts(type_of(f), S("text/html")))
		check_references(v, path, buf_slice(&a.body));
	verify_answer_done(&a);
	return good;
}

/* What is wrong is said once for each path. */
static void
check_path(struct verify *v, const struct web_manifest_file *f, struct slice path)
{
	for (enum verify_guise g = 0; g < VERIFY_GUISES && !v->failure[0]; g++)
		if (!fetch_and_judge(v, f, path, g))
			break;
	v->checked++;
}

/* --- paths that are no files --- */

/* A path that no server can have prepared for. */
static struct slice
invented(char space[64], const char *begin, const char *end)
{
	char hex[17];
	uint8_t bytes[8];

	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(hex, sizeof(hex), bytes, sizeof(bytes));
	snprintf(space, 64, "%.20s%s%.20s", begin, hex, end);
	return slice_str(space);
}

/* People open these, not /index.html. */
static void
check_views(struct verify *v)
{
	static const char *const views[] = {
		"/", "/mail/inbox", "/settings/security", "/signup", "/?from=elsewhere"};
	const struct web_manifest_file *page = web_manifest_view(v->manifest);
	char space[64];

	if (!page) {
		verify_differs(v, S("/"), "the build has no page", SLICE_NONE);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(views) && !v->failure[0]; i++)
		check_path(v, page, slice_str(views[i]));
	if (!v->failure[0])
		check_path(v, page, invented(space, "/mail/", ""));
}

/* Where there is nothing, nothing may come that could run. */
static void
check_nothing(struct verify *v, const char *where)
{
	char space[64];
	struct slice path = invented(space, where, ".js");
	struct verify_answer a;

	if (v->failure[0])
		return;
	if (verify_fetch(v, VERIFY_CHROMIUM, path, S("text/javascript"), 65536, &a) &&
		a.status != 404)
		verify_differs(v, path, "something comes where there is nothing", SLICE_NONE);
	verify_answer_done(&a);
	v->checked++;
}

void
verify_compare(struct verify *v)
{
	for (size_t i = 0; i < web_manifest_len(v->manifest) && !v->failure[0]; i++) {
		const struct web_manifest_file *f = web_manifest_at(v->manifest, i);
		check_path(v, f, f->path);
	}
	if (!v->failure[0])
		check_views(v);
	check_nothing(v, "/assets/app-");
	check_nothing(v, "/sw-");
}
