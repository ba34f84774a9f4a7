/* How a job begins: its message is taken over from whoever asks, and what must be known of its
 * sender and its recipients is asked for, all at once. */
#include "base/error.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/ip.h"
#include "os/clock.h"
#include "os/memfile.h"
#include "roles/delivery.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define AUTHORS_MAX 16

static int
begin_checks(struct job *j)
{
	struct mailauth_options o = {.helo = j->envelope.helo,
		.mail_from = j->envelope.from,
		.authserv_id = slice_str(dv.env->config.hostname),
		.now = clock_unix(),
		.iprev = !ip_is_loopback(j->envelope.client_ip),
		.local = ip_is_loopback(j->envelope.client_ip),
		.header = slice_sub(j->body, 0, header_length(j->body))};
	struct slice body = slice_skip(j->body, o.header.len);

	if (slice_ends(o.header, S("\r\n\r\n")) || slice_eq(o.header, S("\r\n")))
		o.header.len -= 2;
	o.ip = ip_addr_new(slice_new(j->envelope.client_ip, sizeof(j->envelope.client_ip)));
	j->memo = dns_memo_new();
	j->auth = j->memo ? mailauth_new(&o) : NULL;
	if (!j->auth)
		return LL_ERR_NOMEM;
	if (mailauth_body(j->auth, body) || mailauth_body_end(j->auth))
		return LL_ERR_NOMEM;
	return job_dns_budget(j);
}

/* Asks whether the author may write as this address. */
static int
ask_author(struct job *j, struct ipc_channel *authp, const struct address *a)
{
	CLEANUP(buf_done)
	struct buf spec = BUF_INIT(IPC_ADDRESS_MAX), key = BUF_INIT(ADDRESS_KEY_MAX);
	struct msg_ticket_query m = {.id = j->id};
	struct slice kept;

	if (address_put_spec(&spec, a->local, a->domain) || address_key(&key, a->local, a->domain))
		return LL_ERR_SYNTAX;
	kept = arena_dup(&j->arena, buf_slice(&key));
	if (!kept.ptr || VEC_PUSH(&j->author_keys, kept))
		return LL_ERR_NOMEM;
	memcpy(m.ticket, j->envelope.ticket, sizeof(m.ticket));
	m.address = buf_slice(&spec);
	if (ipc_send_ticket_query(authp, &m, -1))
		return LL_ERR_CLOSED;
	j->tickets++;
	return LL_OK;
}

/* The frontend has asked about the return path already, but delivery takes no frontend's word. */
static int
ask_return_path(struct job *j, struct ipc_channel *authp)
{
	struct msg_ticket_query m = {.id = j->id, .address = j->envelope.from};

	if (m.address.len == 0)
		return LL_OK;
	memcpy(m.ticket, j->envelope.ticket, sizeof(m.ticket));
	if (ipc_send_ticket_query(authp, &m, -1))
		return LL_ERR_CLOSED;
	j->tickets++;
	return LL_OK;
}

/* The return path and every address in From and Sender must be the author's own: who has signed in
 * may not put on another's name. */
static int
begin_submission(struct job *j)
{
	struct ipc_channel *authp = role_peer(dv.env, ROLE_AUTH, 0);
	struct slice header = slice_sub(j->body, 0, header_length(j->body));
	struct header_iter it = header_iter_new(header);
	struct header_field f;
	int r = authp ? ask_return_path(j, authp) : LL_ERR_CLOSED;

	j->arena = ARENA_INIT(4 << 20);
	while (r == LL_OK && header_next(&it, &f)) {
		struct address_list list = {0};
		if (!slice_ieq(f.name, S("From")) && !slice_ieq(f.name, S("Sender")))
			continue;
		r = address_list_parse(f.value, &j->arena, &list);
		for (size_t i = 0; i < list.len && r == LL_OK; i++)
			if (list.at[i].kind == ADDRESS_MAILBOX && list.at[i].domain.len)
				r = j->author_keys.len < AUTHORS_MAX
					? ask_author(j, authp, &list.at[i])
					: LL_ERR_SYNTAX;
	}
	return r ? r : j->author_keys.len ? LL_OK : LL_ERR_SYNTAX;
}

static int
begin_resolving(struct job *j)
{
	struct ipc_channel *authp = role_peer(dv.env, ROLE_AUTH, 0);

	for (uint32_t i = 0; i < j->envelope.n_rcpts; i++) {
		struct msg_resolve m = {
			.id = j->id << 16 | i, .address = j->envelope.rcpts[i].address};
		if (!authp || ipc_send_resolve(authp, &m, -1))
			return LL_ERR_CLOSED;
		j->resolving++;
	}
	return LL_OK;
}

unsigned
job_count_received(const struct job *j)
{
	struct header_iter it = header_iter_new(j->body);
	struct header_field f;
	unsigned n = 0;

	while (header_next(&it, &f))
		n += slice_ieq(f.name, S("Received"));
	return n;
}

/* --- taking a message over --- */

static int
take_payload(struct job *j, const struct msg_deliver *m, int fd)
{
	uint64_t total = m->envelope_len + m->body_len;

	if (m->envelope_len > ENVELOPE_MAX || m->body_len > STORE_BLOB_MAX)
		return LL_ERR_LIMIT;
	j->payload_len = (size_t)total;
	if (fd >= 0) {
		/* Sealed against change by the frontend; checked here, because it may be a hostile
		 * one. */
		void *at;
		if (total == 0 || memfile_check(fd, total, true))
			return LL_ERR_DENIED;
		at = mmap(NULL, j->payload_len, PROT_READ, MAP_PRIVATE, fd, 0);
		j->mapped = at != MAP_FAILED;
		j->payload = j->mapped ? at : NULL;
		return j->mapped ? LL_OK : LL_ERR_NOMEM;
	}
	if (m->payload.len != total)
		return LL_ERR_SYNTAX;
	j->payload = malloc(MAX(j->payload_len, (size_t)1));
	if (!j->payload)
		return LL_ERR_NOMEM;
	memcpy(j->payload, m->payload.ptr, j->payload_len);
	return LL_OK;
}

/* In a packet the envelope comes first; in a file it stands behind the body. */
static int
open_payload(struct job *j, const struct msg_deliver *m)
{
	struct slice all = slice_new(j->payload, j->payload_len);
	size_t at = j->mapped ? (size_t)m->body_len : 0;

	j->envelope.rcpts = calloc(ENVELOPE_RCPTS_MAX, sizeof(*j->envelope.rcpts));
	if (!j->envelope.rcpts)
		return LL_ERR_NOMEM;
	j->body = slice_sub(all, j->mapped ? 0 : (size_t)m->envelope_len, (size_t)m->body_len);
	return delivery_envelope_decode(slice_sub(all, at, (size_t)m->envelope_len), &j->envelope);
}

/* A session sends under its own account's ticket, and in no other way: not as a server elsewhere
 * would, of whose sender nothing is asked here, and not as anybody else. */
static bool
is_permitted(const struct job *j)
{
	const struct delivery_envelope *e = &j->envelope;
	uint8_t account[RECORD_ID_LEN];
	bool session = submitter_account(j->asker, account) == LL_OK;

	return session ? e->service == SERVICE_SESSION && submitter_may(j->asker, e->ticket)
		       : e->service != SERVICE_SESSION && e->hold_until == 0;
}

/* What must be known of the sender. Of the letters of auth, of relay's reports, and of what it held
 * back, nothing; but nobody else may call a message one of these. */
static int
begin_service(struct job *j)
{
	enum service s = j->envelope.service;
	bool relay = j->asker && j->asker == role_peer(dv.env, ROLE_RELAY, 0);
	bool own = !j->asker || relay || j->asker == role_peer(dv.env, ROLE_AUTH, 0);

	if (!is_permitted(j))
		return LL_ERR_DENIED;
	if (s == SERVICE_SMTP)
		return begin_checks(j);
	if (s == SERVICE_INTERNAL)
		return own && j->envelope.from.len == 0 ? LL_OK : LL_ERR_DENIED;
	if (s == SERVICE_RELEASED)
		return relay ? LL_OK : LL_ERR_DENIED;
	return s == SERVICE_SUBMISSION || s == SERVICE_SUBMISSIONS || s == SERVICE_SESSION
		? begin_submission(j)
		: LL_ERR_DENIED;
}

int
job_begin(struct job *j, const struct msg_deliver *m, int fd)
{
	int r = take_payload(j, m, fd);

	if (r == LL_OK)
		r = open_payload(j, m);
	if (r == LL_OK)
		r = begin_resolving(j);
	if (r == LL_OK)
		r = begin_service(j);
	return r;
}
