/* Bodies of the operator's commands: every form there and back, truncated, with bytes left over,
 * and with fields longer than they may be. */
#include "base/error.h"
#include "ipc/control.h"
#include "t.h"

static uint8_t long_bytes[IPC_PAYLOAD_MAX + 1];

static void
account_form(void)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(4096);
	struct control_account a = {.disabled = 1,
				       .quota = 1ull << 40,
				       .used = 7,
				       .created = 1795299183,
				       .name = S("alice@example.org")},
			       b;

	memset(a.id, 0xa5, sizeof(a.id));
	CHECK_INT(control_account_put(&body, &a), 0);
	CHECK_INT(control_account_get(buf_slice(&body), &b), 0);
	CHECK_INT(memcmp(a.id, b.id, sizeof(a.id)), 0);
	CHECK_INT(b.disabled, 1);
	CHECK(b.quota == a.quota && b.used == a.used && b.created == a.created);
	CHECK_SLICE(b.name, a.name);
	for (size_t n = 0; n < body.len; n++)
		CHECK_INT(control_account_get(slice_new(body.ptr, n), &b), LL_ERR_SYNTAX);
	buf_putc(&body, 0);
	CHECK_INT(control_account_get(buf_slice(&body), &b), LL_ERR_SYNTAX);
}

static void
fields_have_limits(void)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(IPC_PAYLOAD_MAX * 2);
	struct control_name name = {.name = slice_new(long_bytes, CONTROL_NAME_MAX)};
	struct control_change change = {
		.key = slice_new(long_bytes, CONTROL_KEY_MAX), .value = S("v")};
	struct control_text text = {.text = slice_new(long_bytes, CONTROL_TEXT_MAX)};

	CHECK_INT(control_name_put(&body, &name), 0);
	CHECK_INT(control_name_get(buf_slice(&body), &name), 0);
	CHECK_INT(name.name.len, CONTROL_NAME_MAX);
	name.name.len++;
	CHECK_INT(control_name_put(&body, &name), LL_ERR_LIMIT);
	buf_reset(&body);
	CHECK_INT(control_change_put(&body, &change), 0);
	change.key.len++;
	CHECK_INT(control_change_put(&body, &change), LL_ERR_LIMIT);
	buf_reset(&body);
	CHECK_INT(control_text_put(&body, &text), 0);
	text.text.len++;
	CHECK_INT(control_text_put(&body, &text), LL_ERR_LIMIT);
	/* A length that is too large for its field is refused although the bytes are there. */
	buf_reset(&body);
	buf_put_be32(&body, CONTROL_NAME_MAX + 1);
	buf_put(&body, slice_new(long_bytes, CONTROL_NAME_MAX + 1));
	CHECK_INT(control_name_get(buf_slice(&body), &name), LL_ERR_SYNTAX);
}

static void
items(void)
{
	static const char *const texts[] = {"", "one", "another"};
	CLEANUP(buf_done) struct buf list = BUF_INIT(CONTROL_ITEMS_MAX);
	struct reader r;
	struct slice item;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		CHECK_INT(control_items_add(&list, slice_str(texts[i])), 0);
	r = reader_new(buf_slice(&list));
	while (control_items_next(&r, &item))
		CHECK_SLICE(item, slice_str(texts[n++]));
	CHECK_INT(n, 3);
	CHECK_INT(r.err, 0);
	/* Cut anywhere but between items, it says so. */
	for (size_t cut = 0; cut < list.len; cut++) {
		r = reader_new(slice_new(list.ptr, cut));
		while (control_items_next(&r, &item))
			;
		CHECK_INT(r.err != 0, cut != 0 && cut != 4 && cut != 11);
	}
}

/* A list that is full stays as it was. */
static void
full_list(void)
{
	CLEANUP(buf_done) struct buf list = BUF_INIT(CONTROL_ITEMS_MAX);
	struct slice half = slice_new(long_bytes, CONTROL_ITEMS_MAX / 2 - 4);

	CHECK_INT(control_items_add(&list, half), 0);
	CHECK_INT(control_items_add(&list, half), 0);
	CHECK_INT(list.len, CONTROL_ITEMS_MAX);
	CHECK_INT(control_items_add(&list, SLICE_NONE), LL_ERR_LIMIT);
	CHECK_INT(list.len, CONTROL_ITEMS_MAX);
	CHECK_INT(buf_err(&list), 0);
	CHECK_INT(
		control_items_add(&list, slice_new(long_bytes, sizeof(long_bytes))), LL_ERR_LIMIT);
}

static void
nothing(void)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(16);
	struct control_none none;

	CHECK_INT(control_none_put(&body, &(struct control_none){}), 0);
	CHECK_INT(body.len, 0);
	CHECK_INT(control_none_get(SLICE_NONE, &none), 0);
	CHECK_INT(control_none_get(S("x"), &none), LL_ERR_SYNTAX);
}

T_MAIN(T(account_form), T(fields_have_limits), T(items), T(full_list), T(nothing))
