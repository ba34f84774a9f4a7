/* The frames of a WebSocket at its server's end (RFC 6455), after the handshake. No extensions.
 * Bytes in, messages in pieces out; no I/O. */
#ifndef FACES_WEBSOCKET_H
#define FACES_WEBSOCKET_H

#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>

#define WEBSOCKET_MESSAGE_MAX ((size_t)16 << 20)

struct websocket;

enum websocket_event_kind { WEBSOCKET_MESSAGE, WEBSOCKET_CLOSE };

struct websocket_event {
	enum websocket_event_kind kind;
	bool text, last; /* of a message: its kind; whether it ends with this piece */
	uint16_t
		code; /* of a close; 1005 when the client gave none, 1006 when it broke the rules */
	struct slice data; /* a piece, or the reason */
};

struct websocket *websocket_new(void);
void websocket_free(struct websocket *w);

/* Takes all of the bytes. Pings are answered, and bad frames with a close of their own.
 * LL_ERR_STATE after a close, LL_ERR_NOMEM. */
int websocket_input(struct websocket *w, struct slice in) CHECKED;
/* The next event; its data lives until the next call. Nothing comes after a close. */
bool websocket_next(struct websocket *w, struct websocket_event *ret);

struct slice websocket_output(const struct websocket *w);
void websocket_sent(struct websocket *w, size_t n);

/* Sends a piece of a message, a ping, a close. Ignored after a close. */
void websocket_message(struct websocket *w, bool text, bool last, struct slice piece);
void websocket_ping(struct websocket *w);
void websocket_close(struct websocket *w, uint16_t code, struct slice reason);
/* Both ends have said so, or nothing sensible can be said any more: close the connection when the
 * output is sent. */
bool websocket_closed(const struct websocket *w);

#endif
