/* What the two halves of the way to a session share: the links (front_link.c), and the passages of
 * single requests over them (front_passage.c). */
#ifndef ROLES_FRONT_LINK_PRIV_H
#define ROLES_FRONT_LINK_PRIV_H

#include "faces/web_link.h"
#include "faces/websocket.h"
#include "roles/front_web.h"

#include <zlib.h>

#define FRONT_LINK_KEY_LEN 32

struct front_link {
	uint64_t id;
	uint8_t key[FRONT_LINK_KEY_LEN];
	enum front_link_kind kind;
	struct stream *stream;
	struct web_link *web;
	struct loop_timer timer, again;
	uint8_t session[WEB_ID_LEN], ticket[16], peer[16];
	int far; /* kept until auth has signed in the password or token; -1 */
	int64_t until; /* clock_unix at which its token ends; 0: it has none */
	bool attached, running, dead;
	bool lost; /* its stream has ended */
	unsigned refused; /* an HTTP status */
};

/* A request that is on its way over a link. */
struct passage {
	struct front_task *task;
	struct front_link *link;
	uint32_t stream;
	struct websocket *ws;
	bool over; /* the link's stream is gone */
	bool ended; /* the answer is complete, but for what waits below */
	z_stream *gzip;
	struct buf waiting; /* bytes for the client that there was no room for */
	size_t owed; /* bytes of the link's stream that stand in `waiting` */
};

/* What was queued on the link goes out when the stack has unwound. */
void front_link_wake(struct front_link *l);

/* Sends a task's request over the link and makes it a passage. false: neither. */
bool front_passage_begin(
	struct front_task *t, struct front_link *l, const struct http_request *q) CHECKED;
/* What the session says. */
void front_passage_event(const struct web_event *e);
/* The link's stream is gone without an end; status 401 or 503. */
void front_passage_lost(struct passage *p, unsigned status);

#endif
