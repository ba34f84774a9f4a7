/* Uploads: bytes that a client has sent and will soon name by blob id. Sealed like bodies, gone
 * after a day. */
#ifndef ACCOUNT_UPLOAD_H
#define ACCOUNT_UPLOAD_H

#include "account/object.h"

#define UPLOAD_SECONDS (24 * 3600)
#define UPLOAD_TYPE_MAX 255
#define UPLOADS_USED_MAX 256

struct upload {
	struct store_id id;
	uint64_t size;
	int64_t expires; /* Unix seconds */
	struct slice type; /* media type as the client gave it; view as of objects */
};

/* Keeps data for UPLOAD_SECONDS. LL_ERR_LIMIT (MESSAGE_SIZE_MAX), LL_ERR_QUOTA. */
int account_upload(
	struct account *a, struct slice type, struct slice data, struct store_id *ret_id) CHECKED;
struct upload_data {
	struct slice type, data;
	struct store_id id; /* set */
};
/* Keeps several, all or none, in one commit. */
int account_uploads(struct account *a, struct upload_data *u, size_t n) CHECKED;
/* LL_ERR_NOTFOUND. */
int account_upload_find(struct account *a, struct store_id id, struct upload *ret) CHECKED;
/* Appends bytes [offset, offset + len), fewer at the end. */
int account_upload_read(struct account *a, struct store_id id, uint64_t offset, uint64_t len,
	struct buf *out) CHECKED;
/* Drops those that have expired: one commit at most. *ret_more: there are others. */
int account_uploads_expire(struct account *a, bool *ret_more) CHECKED;
/* Uploads that have become messages: where there are more than UPLOADS_USED_MAX uploads these go
 * before their day is over, so that an import of any size leaves room. Unknown ids are left out. */
int account_uploads_used(struct account *a, const struct store_id *ids, size_t n) CHECKED;

#endif
