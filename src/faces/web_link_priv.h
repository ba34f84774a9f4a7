/* What the two directions of a web link share. Only for them. */
#ifndef FACES_WEB_LINK_PRIV_H
#define FACES_WEB_LINK_PRIV_H

#include "base/macros.h"
#include "base/vec.h"
#include "faces/web_link.h"

#define CLOSE_REASON_MAX 123 /* RFC 6455, section 5.5 */
#define WINDOW_STEP (WEB_LINK_WINDOW / 4) /* grants are gathered up to this */

enum frame {
	FRAME_REQUEST = 1,
	FRAME_RESPONSE,
	FRAME_BODY,
	FRAME_END,
	FRAME_CANCEL,
	FRAME_WINDOW,
	FRAME_MESSAGE,
	FRAME_CLOSE,
	FRAMES
};

struct link_stream {
	uint32_t id;
	void *ctx;
	size_t may_send, may_come; /* what is left of the two windows */
	size_t owed; /* consumed, and not granted anew yet */
	bool websocket, answered, open; /* open: a WebSocket that was accepted */
	bool local_done, remote_done;
	bool starved; /* the owner found too little room */
};

struct web_link {
	bool front, broken;
	bool look; /* a starved stream may have room now */
	uint32_t last; /* the highest number seen or used */
	struct buf in, out;
	size_t in_at, in_wiped, out_at; /* bytes of in before in_wiped are wiped */
	VEC(struct link_stream *) streams; /* by rising numbers */
};

/* NULL: it is over, or never was. */
struct link_stream *web_link_stream_find(const struct web_link *l, uint32_t id);
/* A stream with both windows open; NULL without memory, or when there are too many. */
struct link_stream *web_link_stream_add(struct web_link *l, uint32_t id);
void web_link_stream_forget(struct web_link *l, struct link_stream *s);
/* How many bytes of body may be sent on it now. */
size_t web_link_stream_room(const struct web_link *l, const struct link_stream *s);

#endif
