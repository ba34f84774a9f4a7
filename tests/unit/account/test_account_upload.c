/* Uploads: they lie there for a while, and make room. */
#include "fixture.h"

#include "account/email.h"
#include "account/object.h"
#include "account/upload.h"

static void
uploads_come_and_go(void)
{
	struct fixture f;
	struct store_id id, big;
	struct upload u;
	struct buf out = BUF_INIT(1 << 20);
	uint8_t *data = calloc(1, 200000);
	bool more;

	fixture_init(&f);
	CHECK_INT(account_upload(f.a, S("text/plain"), S("hello"), &id), 0);
	CHECK_INT(account_upload(f.a, S("image/png"), slice_new(data, 200000), &big), 0);
	fixture_reopen(&f);
	CHECK_INT(account_upload_find(f.a, id, &u), 0);
	CHECK_SLICE(u.type, S("text/plain"));
	CHECK_INT(u.size, 5);
	CHECK_INT(account_upload_read(f.a, id, 1, 3, &out), 0);
	CHECK_SLICE(buf_slice(&out), S("ell"));
	buf_reset(&out);
	CHECK_INT(account_upload_read(f.a, big, 0, UINT64_MAX, &out), 0);
	CHECK_INT(out.len, 200000);
	f.clock += UPLOAD_SECONDS + 10;
	CHECK_INT(account_upload_find(f.a, id, &u), LL_ERR_NOTFOUND);
	CHECK_INT(account_uploads_expire(f.a, &more), 0);
	CHECK(!more);
	free(data);
	buf_done(&out);
	fixture_done(&f);
}

/* An import of any size leaves room for other uploads, and takes none of them away. */
static void
used_uploads_make_room(void)
{
	struct fixture f;
	struct store_id kept, used[UPLOADS_USED_MAX];
	struct upload_data u[64];
	struct upload found;
	size_t n = 0;

	fixture_init(&f);
	CHECK_INT(account_upload(f.a, S("text/plain"), S("of a draft"), &kept), 0);
	while (n < UPLOADS_USED_MAX) {
		for (size_t i = 0; i < 64; i++)
			u[i] = (struct upload_data){
				.type = S("message/rfc822"), .data = S("hello")};
		CHECK_INT(account_uploads(f.a, u, 64), 0);
		for (size_t i = 0; i < 64; i++)
			used[n++] = u[i].id;
		if (n < UPLOADS_USED_MAX) {
			CHECK_INT(account_uploads_used(f.a, used, n), 0);
			CHECK_INT(account_upload_find(f.a, used[0], &found), 0);
		}
	}
	CHECK_INT(account_uploads_used(f.a, used, n), 0);
	for (size_t i = 0; i < n; i++)
		CHECK_INT(account_upload_find(f.a, used[i], &found), LL_ERR_NOTFOUND);
	CHECK_INT(account_upload_find(f.a, kept, &found), 0);
	fixture_reopen(&f);
	CHECK_INT(account_upload_find(f.a, kept, &found), 0);
	CHECK_INT(account_uploads_used(f.a, used, n), 0);
	fixture_done(&f);
}

T_MAIN(T(uploads_come_and_go), T(used_uploads_make_room))
