/* Domains with their DKIM keys, and aliases. */
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "mail/address.h"
#include "os/clock.h"
#include "roles/control.h"
#include "roles/dkim_store.h"
#include "store/service.h"

#include <stdio.h>
#include <string.h>

#define LINES_MAX ((size_t)16 << 20)
#define DKIM_KEY_LEN (sizeof(DKIM_STORE_PREFIX) - 1 + 32)

/* Lower-case A-labels of a name that may have mail. */
static int
domain_name(struct control *c, struct slice body, struct buf *ret)
{
	struct control_name m;

	if (control_name_get(body, &m))
		return LL_ERR_SYNTAX;
	if (address_domain_check(m.name, ADDRESS_UTF8) || address_domain_ascii(ret, m.name) ||
		slice_find_byte(m.name, '.') == SLICE_NPOS)
		return control_fail(c, LL_ERR_SYNTAX, "this is not a domain name");
	return LL_OK;
}

static const uint8_t *
dkim_secret(void)
{
	struct slice s = role_secret(auth.env, "dkim");

	return s.len == DKIM_STORE_KEY_LEN ? s.ptr : NULL;
}

/* --- keys --- */

struct new_key {
	uint8_t at[DKIM_KEY_LEN];
	struct buf sealed;
};

/* Makes one key of a domain, sealed and named. */
static int
dkim_make(enum dkim_alg alg, struct slice domain, struct new_key *ret)
{
	CLEANUP(buf_done) struct buf der = BUF_SECRET(DKIM_STORE_PLAIN_MAX);
	CLEANUP(buf_done) struct buf name = BUF_INIT(1024), date = BUF_INIT(64);
	struct dkim_stored d = {.alg = alg, .created = clock_unix(), .domain = domain};
	struct dkim_key *key = NULL;
	char selector[32];
	int r;

	date_put_rfc3339(&date, d.created);
	snprintf(selector, sizeof(selector), "%s-%.4s%.2s",
		alg == DKIM_RSA_SHA256 ? "rsa" : "ed25519", (const char *)date.ptr,
		(const char *)date.ptr + 5);
	d.selector = slice_str(selector);
	buf_put(&name, domain);
	buf_putc(&name, 0);
	buf_puts(&name, selector);
	memcpy(ret->at, DKIM_STORE_PREFIX, strlen(DKIM_STORE_PREFIX));
	directory_name(auth.keys, "dkim", buf_slice(&name), ret->at + strlen(DKIM_STORE_PREFIX));
	r = dkim_key_generate(alg, &key);
	if (r == LL_OK)
		r = dkim_key_export(key, &der);
	d.key = buf_slice(&der);
	if (r == LL_OK)
		r = dkim_store_seal(dkim_secret(), SLICE_OF(ret->at), &d, &ret->sealed);
	dkim_key_free(key);
	return r;
}

static int
store_keys(struct slice domain)
{
	struct new_key keys[2] = {{.sealed = BUF_INIT(DKIM_STORE_SEALED_MAX)},
		{.sealed = BUF_INIT(DKIM_STORE_SEALED_MAX)}};
	struct store_op ops[2];
	struct store_commit commit = {
		.partition = store_directory, .expect = STORE_ANY_VERSION, .ops = ops, .n = 2};
	int r = dkim_make(DKIM_RSA_SHA256, domain, &keys[0]);

	if (r == LL_OK)
		r = dkim_make(DKIM_ED25519_SHA256, domain, &keys[1]);
	for (int i = 0; i < 2; i++)
		ops[i] = (struct store_op){.kind = STORE_PUT,
			.key = SLICE_OF(keys[i].at),
			.value = buf_slice(&keys[i].sealed)};
	if (r == LL_OK)
		r = store_commit_sync(auth.store, &commit, NULL);
	for (int i = 0; i < 2; i++)
		buf_done(&keys[i].sealed);
	return r;
}

/* --- domains --- */

int
control_domain_add(struct control *c, struct slice body)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1024);
	struct ipc_channel *relay = role_peer(auth.env, ROLE_RELAY, 0);
	int r = domain_name(c, body, &name);

	if (r)
		return r;
	r = directory_domain(auth.directory, buf_slice(&name));
	if (r == LL_OK)
		return control_fail(c, LL_ERR_EXISTS, "the domain is here already");
	if (r == LL_ERR_NOTFOUND)
		r = dkim_secret() ? store_keys(buf_slice(&name)) : LL_ERR_STATE;
	if (r == LL_OK)
		r = directory_domain_add(auth.directory, buf_slice(&name));
	if (r == LL_OK && relay)
		(void)ipc_send_domains_changed(relay, &(struct msg_domains_changed){}, -1);
	if (r == LL_OK)
		log_info("domain-added", "domain=%s", log_quote(buf_slice(&name)));
	return r;
}

/* A list of which every line becomes an item. */
static int
list_lines(struct control *c, struct slice body, struct slice lines,
	int (*put)(struct buf *item, struct slice line))
{
	CLEANUP(buf_done) struct buf item = BUF_INIT(4096);
	CLEANUP(control_list_done) struct control_list list = {.items = BUF_INIT(0)};
	int r = control_list_begin(&list, body);

	while (lines.len && r == LL_OK) {
		buf_reset(&item);
		r = put(&item, slice_line(&lines));
		if (r == LL_OK)
			r = control_list_add(&list, buf_slice(&item));
	}
	return control_list_end(c, &list, r);
}

static int
put_name(struct buf *item, struct slice line)
{
	return control_name_put(item, &(struct control_name){.name = line});
}

int
control_domain_list(struct control *c, struct slice body)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(LINES_MAX);
	int r = directory_domains(auth.directory, &lines);

	return r ? r : list_lines(c, body, buf_slice(&lines), put_name);
}

struct dkim_search {
	struct slice domain;
	struct control_list list;
};

/* Only the public half leaves this process. */
static int
add_public(struct dkim_search *s, const struct dkim_stored *d)
{
	CLEANUP(buf_done) struct buf item = BUF_INIT(8192), record = BUF_INIT(4096);
	struct control_dkim m = {.algorithm = (uint8_t)d->alg,
		.created = (uint64_t)d->created,
		.selector = d->selector};
	struct dkim_key *key = NULL;
	int r = dkim_key_import(d->key, &key);

	if (r == LL_OK)
		r = dkim_key_record(key, &record);
	dkim_key_free(key);
	m.record = buf_slice(&record);
	if (r == LL_OK)
		r = control_dkim_put(&item, &m);
	return r ? r : control_list_add(&s->list, buf_slice(&item));
}

static int
dkim_row(void *ctx, struct slice key, struct slice value)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(DKIM_STORE_PLAIN_MAX);
	struct dkim_search *s = ctx;
	struct dkim_stored d;
	int r = dkim_store_open(dkim_secret(), key, value, &plain, &d);

	return r || !slice_eq(d.domain, s->domain) ? r : add_public(s, &d);
}

int
control_domain_info(struct control *c, struct slice body)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1024);
	struct dkim_search s = {.list = {.items = BUF_INIT(CONTROL_ITEMS_MAX)}};
	int r = domain_name(c, body, &name);

	if (r == LL_OK && directory_domain(auth.directory, buf_slice(&name)))
		r = control_fail(c, LL_ERR_NOTFOUND, "the domain is not one of ours");
	s.domain = buf_slice(&name);
	if (r == LL_OK)
		r = dkim_secret() ? store_each(auth.store, store_directory, S(DKIM_STORE_PREFIX),
					    dkim_row, &s)
				  : LL_ERR_STATE;
	r = control_list_end(c, &s.list, r);
	control_list_done(&s.list);
	return r;
}

/* --- aliases --- */

/* --- addresses --- */

int
control_recipient(struct control *c, struct slice body)
{
	static const char *const words[] = {
		[RCPT_LOCAL] = "local",
		[RCPT_REMOTE] = "remote",
		[RCPT_UNKNOWN] = "unknown",
		[RCPT_DISABLED] = "disabled",
		[RCPT_FULL] = "full",
		[RCPT_TEMPORARY] = "temporary",
	};
	struct control_name m;

	if (control_name_get(body, &m))
		return LL_ERR_SYNTAX;
	return control_text_put(&c->answer,
		&(struct control_text){.text = slice_str(words[auth_recipient(m.name)])});
}

/* The targets an alias has now. */
static int
targets_of(struct slice address, struct directory_alias *ret)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(LINES_MAX), want = BUF_INIT(2048);
	int r = directory_key(address, &want);
	struct slice rest;

	ret->n = 0;
	if (r == LL_OK)
		r = directory_aliases(auth.directory, &lines);
	for (rest = buf_slice(&lines); r == LL_OK && rest.len;) {
		CLEANUP(buf_done) struct buf key = BUF_INIT(2048);
		struct slice target = slice_line(&rest), alias = slice_split(&target, ' ');

		if (directory_key(alias, &key) || !slice_eq(buf_slice(&key), buf_slice(&want)))
			continue;
		if (ret->n == DIRECTORY_TARGETS_MAX || target.len >= DIRECTORY_ADDRESS_MAX)
			return LL_ERR_CORRUPT;
		memcpy(ret->targets[ret->n], target.ptr, target.len);
		ret->targets[ret->n++][target.len] = 0;
	}
	return r;
}

static int
alias_write(struct control *c, struct slice address, const struct directory_alias *alias)
{
	struct slice targets[DIRECTORY_TARGETS_MAX];
	int r;

	for (size_t i = 0; i < alias->n; i++)
		targets[i] = slice_str(alias->targets[i]);
	r = directory_alias_set(auth.directory, address, targets, alias->n);
	if (r == LL_OK)
		session_owners_changed();
	if (r == LL_ERR_DENIED)
		c->why = "its domain is not one of ours";
	else if (r == LL_ERR_EXISTS)
		c->why = "an account has this address";
	else if (r == LL_ERR_NOTFOUND)
		c->why = "there is no such alias";
	else if (r == LL_ERR_SYNTAX)
		c->why = "this is not an address";
	return r;
}

static size_t
find_target(const struct directory_alias *alias, struct slice target)
{
	size_t i = 0;

	while (i < alias->n && !slice_ieq(slice_str(alias->targets[i]), target))
		i++;
	return i;
}

int
control_alias_add(struct control *c, struct slice body)
{
	static struct directory_alias alias;
	struct address_smtp checked;
	struct control_pair m;
	int r = control_pair_get(body, &m);

	if (r)
		return r;
	if (address_smtp_mailbox(m.other, ADDRESS_UTF8, &checked))
		return control_fail(c, LL_ERR_SYNTAX, "the target is not an address");
	r = targets_of(m.name, &alias);
	if (r)
		return control_fail(c, r, r == LL_ERR_SYNTAX ? "this is not an address" : NULL);
	if (find_target(&alias, m.other) < alias.n)
		return control_fail(c, LL_ERR_EXISTS, "the alias has this target already");
	if (alias.n == DIRECTORY_TARGETS_MAX)
		return control_fail(c, LL_ERR_LIMIT, "the alias has too many targets");
	memcpy(alias.targets[alias.n], m.other.ptr, m.other.len);
	alias.targets[alias.n++][m.other.len] = 0;
	return alias_write(c, m.name, &alias);
}

/* Without a target: the whole alias. */
int
control_alias_remove(struct control *c, struct slice body)
{
	static struct directory_alias alias;
	struct control_pair m;
	size_t at;
	int r = control_pair_get(body, &m);

	if (r == LL_OK)
		r = targets_of(m.name, &alias);
	if (r)
		return control_fail(c, r, r == LL_ERR_SYNTAX ? "this is not an address" : NULL);
	if (m.other.len == 0) {
		alias.n = 0;
		return alias_write(c, m.name, &alias);
	}
	at = find_target(&alias, m.other);
	if (at == alias.n)
		return control_fail(c, LL_ERR_NOTFOUND, "the alias has no such target");
	alias.n--;
	memmove(alias.targets[at], alias.targets[at + 1],
		(alias.n - at) * sizeof(alias.targets[0]));
	return alias_write(c, m.name, &alias);
}

static int
put_alias(struct buf *item, struct slice line)
{
	struct slice target = line, alias = slice_split(&target, ' ');

	return control_pair_put(item, &(struct control_pair){.name = alias, .other = target});
}

int
control_alias_list(struct control *c, struct slice body)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(LINES_MAX);
	int r = directory_aliases(auth.directory, &lines);

	return r ? r : list_lines(c, body, buf_slice(&lines), put_alias);
}
