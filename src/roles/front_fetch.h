/* What the frontend has others fetch: pictures and OpenPGP keys. */
#ifndef ROLES_FRONT_FETCH_H
#define ROLES_FRONT_FETCH_H

#include "roles/front_web.h"

/* Begins a task's state of that kind. */
struct front_fetch {
	void (*go)(struct front_task *t); /* until auth has answered */
};

/* Checks who asks (by that command of auth, which may have a limit), makes state_size bytes of
 * zeroed state that begin with a struct front_fetch, and calls go once auth says that the cookie is
 * good. When t->ops is not `ops` afterwards, the task has its answer already. */
void front_fetch_begin(struct front_task *t, const struct http_request *q, const char *command,
	const struct front_task_ops *ops, void (*go)(struct front_task *t), size_t state_size);
bool front_is_fetch(const struct front_task *t);

/* GET /api/v1/image?url= */
void front_picture_begin(struct front_task *t, const struct http_request *q);
/* POST /api/v1/unsubscribe?url= (RFC 8058) */
void front_unsubscribe_begin(struct front_task *t, const struct http_request *q);

/* front_keys.c: GET /api/v1/keys/lookup?address=, the same of the key server, and the Web Key
 * Directory. */
extern const struct front_task_ops front_keys_ops;
void front_keys_begin(struct front_task *t, const struct http_request *q);
void front_key_server_begin(struct front_task *t, const struct http_request *q);
void front_wkd_begin(struct front_task *t, struct slice rest);
void front_keys_https(struct front_task *t, const struct msg_https_reply *m);
void front_keys_dns(const struct msg_dns_answer *m);
void front_keys_directory(const struct msg_pgp_reply *m);

/* Auth's answer about a cookie. */
void front_fetch_signed(const struct msg_web_reply *m);
void front_fetch_reply(const struct msg_https_reply *m, int fd);
/* A process that may have been asked went away. */
void front_fetch_lost(void);

#endif
