/* Addresses. Properties: groups are balanced, strings hold no line ends and are no longer in all
 * than the value; what is read, written and read again is the same list; what SMTP accepts is
 * accepted again as it stands, and its key is a key of itself. */
#include "../must.h"
#include "mail/address.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_list(const struct address_list *l, size_t most)
{
	size_t total = 0;
	bool group = false;

	for (size_t i = 0; i < l->len; i++) {
		const struct address *a = &l->at[i];
		const struct slice parts[] = {a->name, a->route, a->local, a->domain};
		for (size_t k = 0; k < 4; k++) {
			total += parts[k].len;
			must(slice_find_byte(parts[k], '\n') == SLICE_NPOS);
			must(slice_find_byte(parts[k], '\r') == SLICE_NPOS);
			must(slice_find_byte(parts[k], 0) == SLICE_NPOS);
		}
		must(a->kind != ADDRESS_MAILBOX || a->local.ptr);
		must((a->kind != ADDRESS_GROUP || !group) &&
			(a->kind != ADDRESS_GROUP_END || group));
		if (a->kind != ADDRESS_MAILBOX)
			group = a->kind == ADDRESS_GROUP;
	}
	must(!group && total <= most);
}

/* A mailbox that stands as it is: no obsolete parts, a domain in one piece. */
static bool
is_clean(const struct address *a)
{
	for (size_t i = 0; i < a->domain.len; i++)
		if (a->domain.ptr[i] <= ' ' || strchr("()<>[]:;@\\,\"\177", a->domain.ptr[i]))
			return false;
	for (size_t i = 0; i < a->local.len; i++)
		if (a->local.ptr[i] < ' ' || a->local.ptr[i] == 0x7f)
			return false;
	for (size_t i = 0; i < a->name.len; i++)
		if (a->name.ptr[i] < ' ' || a->name.ptr[i] == 0x7f)
			return false;
	return a->kind == ADDRESS_MAILBOX && a->local.len && a->domain.len;
}

static void
check_written(const struct address *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 22);
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 26);
	struct address_list l;

	if (!is_clean(a))
		return;
	must(address_put(&b, a) == 0);
	must(address_list_parse(buf_slice(&b), &arena, &l) == 0);
	must(l.len == 1 && !l.damaged);
	must(slice_eq(l.at[0].local, a->local) && slice_eq(l.at[0].domain, a->domain));
	must(slice_eq(l.at[0].name, a->name));
}

static void
check_smtp(struct slice in, unsigned flags)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(ADDRESS_KEY_MAX);
	CLEANUP(buf_done) struct buf again = BUF_INIT(ADDRESS_KEY_MAX);
	struct address_smtp a, b;
	struct slice rest = in, local;

	if (address_smtp_path(&rest, flags, &a)) {
		must(slice_eq(rest, in));
		return;
	}
	must(in.len - rest.len <= ADDRESS_PATH_MAX && a.local.len <= ADDRESS_LOCAL_MAX + 100);
	if (!a.domain.len)
		return;
	must(address_smtp_mailbox(a.spec, flags, &b) == 0);
	must(slice_eq(a.local, b.local) && slice_eq(a.domain, b.domain));
	must(a.utf8 == (address_smtp_mailbox(a.spec, 0, &b) != 0));
	if (address_key(&key, a.local, a.domain))
		return;
	local = slice_sub(buf_slice(&key), 0, slice_rfind_byte(buf_slice(&key), '@'));
	if (local.len && local.ptr[0] != '"') {
		must(address_key(&again, local, slice_skip(buf_slice(&key), local.len + 1)) == 0);
		must(slice_eq(buf_slice(&again), buf_slice(&key)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 26);
	struct slice in = slice_new(data, size);
	struct address_list l;

	must(address_list_parse(in, &arena, &l) == 0);
	check_list(&l, size);
	for (size_t i = 0; i < l.len && i < 20; i++)
		check_written(&l.at[i]);
	for (unsigned flags = 0; flags < 8; flags++)
		check_smtp(in, flags);
	return 0;
}
