/* Push subscriptions as the session gives them to auth, which sends to them while no session is
 * there: what is needed for that, and no more. */
#ifndef FACES_PUSH_LIST_H
#define FACES_PUSH_LIST_H

#include "base/buf.h"

#define PUSH_SUBSCRIPTIONS_MAX 16 /* of one account */
#define PUSH_URL_MAX 2048
#define PUSH_KEY_LEN 65
#define PUSH_AUTH_LEN 16
#define PUSH_ID_LEN 16
#define PUSH_LIST_MAX ((size_t)49152)

struct push_subscription {
	uint8_t id[PUSH_ID_LEN];
	struct slice url; /* https, printable ASCII */
	struct slice key, auth; /* for RFC 8291; both empty: sent as it is */
	int64_t expires; /* Unix seconds */
	uint32_t types; /* 1 << enum change_type */
	bool verified; /* its owner has repeated the code that was sent there */
};

/* Whether an address may be pushed to: https, a host, no sign-in, no blanks. */
bool push_url_ok(struct slice url);
int push_list_put(const struct push_subscription *s, struct buf *out);
/* Takes the next one off; false at the end and when what follows is none (*list is empty only at
 * the end). Views. */
bool push_list_next(struct slice *list, struct push_subscription *ret);
/* Whether all of it can be read, and it is not too long. */
bool push_list_ok(struct slice list);

#endif
