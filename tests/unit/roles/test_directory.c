/* The directory over a real store: domains, accounts, aliases, loops of them, what the disk shows.
 */
#include "base/error.h"
#include "roles/directory.h"
#include "store/embedded.h"
#include "store/service.h"
#include "t.h"

#include <stdlib.h>
#include <unistd.h>

static struct directory_keys keys;
static struct directory *d;
static struct store *s;
static char dir[256];

static struct directory_account
account(const char *address, uint8_t number)
{
	struct directory_account a = {.created = 1700000000, .quota = 1000, .seal_version = 1};

	memset(a.id, number, sizeof(a.id));
	memset(a.seal_public, number, sizeof(a.seal_public));
	snprintf(a.address, sizeof(a.address), "%s", address);
	return a;
}

static void
set_up(void)
{
	static const uint8_t boot[BOOT_SECRET_LEN] = {7};
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/letterlock-directory-XXXXXX", tmp ? tmp : "/tmp");
	CHECK(mkdtemp(dir) != NULL);
	CHECK_INT(server_keys_directory(boot, &keys), 0);
	CHECK_INT(store_embedded_open(dir, NULL, &s), 0);
	d = directory_new(s, &keys);
	CHECK(d != NULL);
}

static enum ll_error
find(const char *address, uint8_t *ret_number)
{
	static struct directory_alias alias;
	struct directory_account a;
	bool is_account = false;
	int r = directory_find(d, slice_str(address), &is_account, &a, &alias);

	*ret_number = r == LL_OK && is_account ? a.id[0] : 0;
	return (enum ll_error)r;
}

static void
domains_and_accounts(void)
{
	struct directory_account a = account("Jane@one.example", 1),
				 b = account("john@two.example", 2);
	CLEANUP(buf_done) struct buf lines = BUF_INIT(4096);
	uint8_t n;

	CHECK_INT(directory_domain(d, S("one.example")), LL_ERR_NOTFOUND);
	CHECK_INT(directory_account_add(d, &a), LL_ERR_DENIED);
	CHECK_INT(directory_domain_add(d, S("one.example")), 0);
	CHECK_INT(directory_domain_add(d, S("ONE.example")), LL_ERR_EXISTS);
	CHECK_INT(directory_domain_add(d, S("two.example")), 0);
	CHECK_INT(directory_domain_add(d, S("[192.0.2.1]")), LL_ERR_SYNTAX);
	CHECK_INT(directory_account_add(d, &a), 0);
	CHECK_INT(directory_account_add(d, &a), LL_ERR_EXISTS);
	CHECK_INT(directory_account_add(d, &b), 0);
	CHECK_INT(find("jANE@one.EXAMPLE", &n), 0);
	CHECK_INT(n, 1);
	CHECK_INT(find("jane+shop@one.example", &n), 0);
	CHECK_INT(n, 1);
	CHECK_INT(find("john@one.example", &n), LL_ERR_NOTFOUND);
	CHECK_INT(find("jane@three.example", &n), LL_ERR_DENIED);
	CHECK_INT(find("jane", &n), LL_ERR_SYNTAX);
	CHECK_INT(directory_domains(d, &lines), 0);
	CHECK(slice_find(buf_slice(&lines), S("one.example\n")) != SLICE_NPOS);
}

static void
rewritten_and_read_again(void)
{
	struct directory_account a, again;
	uint8_t n;

	memset(a.id, 1, sizeof(a.id));
	CHECK_INT(directory_account(d, a.id, &a), 0);
	a.disabled = true;
	a.quota = 5;
	CHECK_INT(directory_account_put(d, &a), 0);
	directory_free(d); /* and its cache */
	store_free(s);
	CHECK_INT(store_embedded_open(dir, NULL, &s), 0);
	d = directory_new(s, &keys);
	CHECK_INT(directory_account(d, a.id, &again), 0);
	CHECK(again.disabled);
	CHECK_INT(again.quota, 5);
	CHECK_SLICE(slice_str(again.address), S("Jane@one.example"));
	CHECK(memcmp(again.seal_public, a.seal_public, sizeof(a.seal_public)) == 0);
	CHECK_INT(find("jane@one.example", &n), 0);
}

struct found {
	unsigned local, outside;
	unsigned numbers;
};

static int
on_found(void *ctx, const struct directory_account *a, struct slice outside)
{
	struct found *f = ctx;

	f->local += a != NULL;
	f->outside += a == NULL;
	f->numbers |= a ? 1u << a->id[0] : 0;
	return LL_OK;
}

static void
set(const char *alias, const struct slice *targets, size_t n)
{
	CHECK_INT(directory_alias_set(d, slice_str(alias), targets, n), 0);
}

static void
aliases(void)
{
	const struct slice both[] = {S("jane@one.example"), S("john@two.example"),
		S("x@else.example"), S("nobody@one.example")};
	const struct slice twice[] = {S("all@one.example"), S("jane@one.example")};
	struct found f = {0};

	CHECK_INT(directory_alias_set(d, S("jane@one.example"), both, 1), LL_ERR_EXISTS);
	CHECK_INT(directory_alias_set(d, S("all@three.example"), both, 1), LL_ERR_DENIED);
	CHECK_INT(directory_alias_set(d, S("all@one.example"), &S("not an address"), 1),
		LL_ERR_SYNTAX);
	set("all@one.example", both, ARRAY_SIZE(both));
	set("team@two.example", twice, ARRAY_SIZE(twice));
	CHECK_INT(directory_resolve(d, S("team@two.example"), on_found, &f), 0);
	CHECK_INT(f.local, 2); /* each account once */
	CHECK_INT(f.outside, 1);
	CHECK_INT(f.numbers, 1 << 1 | 1 << 2);
	f = (struct found){0};
	CHECK_INT(directory_resolve(d, S("x@else.example"), on_found, &f), LL_ERR_DENIED);
	set("@two.example", &S("john@two.example"), 1);
	CHECK_INT(directory_resolve(d, S("whoever@two.example"), on_found, &f), 0);
	CHECK_INT(f.local, 1);
	set("@two.example", NULL, 0);
	CHECK_INT(directory_resolve(d, S("whoever@two.example"), on_found, &f), LL_ERR_NOTFOUND);
}

/* Fifty lists that all contain each other: followed naively, 50 to the power of 8 steps. */
static void
lists_that_contain_each_other(void)
{
	char names[50][32];
	struct slice targets[51];
	struct found f = {0};

	for (size_t i = 0; i < 50; i++) {
		snprintf(names[i], sizeof(names[i]), "list%zu@one.example", i);
		targets[i] = slice_str(names[i]);
	}
	targets[50] = S("jane@one.example");
	for (size_t i = 0; i < 50; i++)
		set(names[i], targets, ARRAY_SIZE(targets));
	CHECK_INT(directory_resolve(d, S("list7@one.example"), on_found, &f), 0);
	CHECK_INT(f.local, 1);
}

static bool
is_own(uint8_t number, const char *address)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(DIRECTORY_OWN_MAX);
	uint8_t id[RECORD_ID_LEN];
	struct slice rest;

	memset(id, number, sizeof(id));
	CHECK_INT(directory_own(d, id, &lines), 0);
	for (rest = buf_slice(&lines); rest.len;)
		if (slice_eq(slice_line(&rest), slice_str(address)))
			return true;
	return false;
}

/* Whose mail comes by which alias, and that a change is seen at once. */
static void
owned(void)
{
	CHECK(!is_own(9, "all@one.example"));
	CHECK(is_own(1, "all@one.example") && is_own(2, "all@one.example"));
	CHECK(is_own(1, "team@two.example")); /* through another */
	CHECK(!is_own(1, "jane@one.example")); /* not an alias */
	set("only@two.example", &S("john@two.example"), 1);
	CHECK(is_own(2, "only@two.example") && !is_own(1, "only@two.example"));
	set("@one.example", &S("john@two.example"), 1);
	CHECK(is_own(2, "@one.example"));
	set("@one.example", NULL, 0);
	set("only@two.example", NULL, 0);
	CHECK(!is_own(2, "only@two.example") && !is_own(2, "@one.example"));
}

/* Neither names nor values can be read from the disk, and no value can stand for another. */
static int
no_plain_text(void *ctx, struct slice key, struct slice value)
{
	static const char *const words[] = {"jane", "Jane", "john", "example"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		CHECK(slice_find(key, slice_str(words[i])) == SLICE_NPOS &&
			slice_find(value, slice_str(words[i])) == SLICE_NPOS);
	++*(unsigned *)ctx;
	return LL_OK;
}

static void
sealed_on_disk(void)
{
	static const char *const prefixes[] = {"dom/", "addr/", "acct/"};
	unsigned records = 0;

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		CHECK_INT(store_each(s, store_directory, slice_str(prefixes[i]), no_plain_text,
				  &records),
			0);
	CHECK(records > 50);
}

static void
deleted(void)
{
	struct directory_account a = account("Jane@one.example", 1);
	uint8_t n;

	CHECK_INT(directory_account_delete(d, &a), 0);
	CHECK_INT(find("jane@one.example", &n), LL_ERR_NOTFOUND);
	CHECK_INT(directory_account(d, a.id, &a), LL_ERR_NOTFOUND);
	directory_free(d);
	store_free(s);
}

T_MAIN(T(set_up), T(domains_and_accounts), T(rewritten_and_read_again), T(aliases),
	T(owned), T(lists_that_contain_each_other), T(sealed_on_disk), T(deleted))
