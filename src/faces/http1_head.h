/* The head of an HTTP/1.1 request, read strictly. Only for faces/http1.c. */
#ifndef FACES_HTTP1_HEAD_H
#define FACES_HTTP1_HEAD_H

#include "faces/http_priv.h"

struct http1_head {
	struct http_request request;
	bool chunked, expect, close;
	struct slice websocket_key;
};

/* Parses a whole head: lines that end in CRLF, the last one empty. Field names become lower case in
 * place; ret has views of the bytes. 0, or the HTTP status of the refusal. */
unsigned http1_head_parse(uint8_t *head, size_t len, struct http1_head *ret);

#endif
