/* Drives an IMAP client as an import does, one command after the other, and writes down what it is
 * told: for the unit test and the fuzz target. */
#ifndef TESTS_IMAP_PULLER_H
#define TESTS_IMAP_PULLER_H

#include "faces/imap_client.h"

#include <stdlib.h>
#include <string.h>

struct puller {
	struct imap_client *c;
	unsigned step;
	bool closed;
	struct buf log; /* what came of it */
	struct buf sent; /* what was said since it was last looked at */
	char wire[256]; /* the first mailbox that can be opened */
};

static inline void
puller_next(struct puller *p)
{
	static const uint32_t some[] = {3, 4, 5, 9};
	const uint32_t *uids;
	size_t n;
	int err = 0;

	uids = imap_client_uids(p->c, &n);
	switch (p->step++) {
	case 0:
		err = imap_client_list(p->c);
		break;
	case 1:
		err = imap_client_status(p->c, slice_str(p->wire));
		break;
	case 2:
		err = imap_client_examine(p->c, slice_str(p->wire));
		break;
	case 3:
		err = imap_client_search(p->c, 1);
		break;
	case 4:
		buf_puts(&p->log, "uids");
		for (size_t i = 0; i < n; i++)
			buf_printf(&p->log, " %u", (unsigned)uids[i]);
		buf_putc(&p->log, '\n');
		err = imap_client_fetch(p->c, IMAP_FETCH_HEADER, some, 4);
		break;
	case 5:
		err = imap_client_fetch(p->c, IMAP_FETCH_BODY, some, 3);
		if (!err)
			err = imap_client_fetch(p->c, IMAP_FETCH_BODY, some + 3, 1);
		break;
	case 6:
		break; /* of two on their way one is done */
	default:
		err = imap_client_logout(p->c);
	}
	if (err)
		buf_printf(&p->log, "error %d\n", err);
}

static inline void
puller_put(struct puller *p, const char *name, struct slice s)
{
	if (!s.ptr)
		return;
	buf_printf(&p->log, " %s=", name);
	buf_put(&p->log, s);
}

static inline void
puller_message(struct puller *p)
{
	const struct imap_client_message *m = imap_client_message(p->c);
	struct slice labels = m->labels;
	struct buf label = BUF_INIT(65536);

	buf_printf(&p->log, "message %u size=%llu flags=%llx date=%lld%s", (unsigned)m->uid,
		(unsigned long long)m->size, (unsigned long long)m->flags,
		(long long)m->internal_date, m->too_large ? " too-large" : "");
	for (size_t i = 0; i < m->n_keywords; i++)
		puller_put(p, "keyword", m->keywords[i]);
	while (imap_client_label_next(&labels, &label))
		puller_put(p, "label", buf_slice(&label));
	puller_put(p, "header", m->header);
	puller_put(p, "body", m->body);
	buf_putc(&p->log, '\n');
	buf_done(&label);
}

static inline void
puller_event(struct puller *p, enum imap_client_event e)
{
	const struct imap_client_folder *f = imap_client_folder(p->c);
	const struct imap_client_mailbox *m = imap_client_mailbox(p->c);

	if (e == IMAP_CLIENT_STARTTLS) {
		buf_puts(&p->log, "starttls\n");
	} else if (e == IMAP_CLIENT_READY) {
		buf_puts(&p->log, "ready\n");
		puller_next(p);
	} else if (e == IMAP_CLIENT_FOLDER) {
		buf_puts(&p->log, "folder");
		puller_put(p, "wire", f->wire);
		puller_put(p, "name", f->name);
		buf_printf(&p->log, " %x %d\n", f->attributes, f->delimiter);
		if (!p->wire[0] && f->wire.len < sizeof(p->wire))
			memcpy(p->wire, f->wire.ptr, f->wire.len);
	} else if (e == IMAP_CLIENT_STATUS) {
		buf_printf(&p->log, "status %u %u %u\n", m->exists, m->uidnext, m->uidvalidity);
	} else if (e == IMAP_CLIENT_MESSAGE) {
		puller_message(p);
	} else if (e == IMAP_CLIENT_DONE) {
		buf_printf(&p->log, "done %d\n", (int)imap_client_result(p->c));
		puller_next(p);
	} else if (e == IMAP_CLIENT_CLOSED) {
		p->closed = true;
		buf_printf(&p->log, "closed %d", (int)imap_client_error(p->c));
		puller_put(p, "text", imap_client_text(p->c));
		buf_putc(&p->log, '\n');
	}
}

static inline void
puller_run(struct puller *p)
{
	enum imap_client_event e;

	while ((e = imap_client_step(p->c)) != IMAP_CLIENT_NONE)
		puller_event(p, e);
	buf_put(&p->sent, imap_client_output(p->c));
	imap_client_sent(p->c, imap_client_output(p->c).len);
}

static inline void
puller_feed(struct puller *p, struct slice in)
{
	while (in.len && !p->closed) {
		size_t n = imap_client_feed(p->c, in);
		in = slice_skip(in, n);
		puller_run(p);
	}
}

static inline void
puller_new(struct puller *p, bool starttls, uint64_t body_max)
{
	const struct imap_client_config config = {.starttls = starttls,
		.user = S("al\"ice"),
		.secret = S("pass\\word"),
		.body_max = body_max};

	memset(p, 0, sizeof(*p));
	p->log = p->sent = BUF_INIT((size_t)16 << 20);
	p->c = imap_client_new(&config);
	if (!p->c)
		abort();
}

static inline void
puller_done(struct puller *p)
{
	imap_client_free(p->c);
	buf_done(&p->log);
	buf_done(&p->sent);
}

#endif
