/* Every message between Letterlock's processes, in one table.
 *
 * MSG_LIST names each message with its fields and whether it may carry a descriptor. From the table
 * are generated: a struct per message (struct msg_x), its encoder, its bounded decoder, and its
 * name for logs. Field kinds: U8 U16 U32 U64(name)        numbers ID(name)                    16
 * bytes BYTES(name, max)            a slice of at most max bytes; decoded, it is a view into the
 * packet On the wire a message is one packet: kind (2 bytes), then the fields in order, big-endian,
 * each BYTES with a 4-byte length. The decoder refuses over-long fields, an unexpected or missing
 * descriptor, and anything left over. */
#ifndef IPC_MESSAGES_H
#define IPC_MESSAGES_H

#include "base/buf.h"
#include "base/slice.h"

#define IPC_PACKET_MAX ((size_t)160 << 10)
#define IPC_ID_LEN 16

/* Field sizes */
#define IPC_PAYLOAD_MAX ((size_t)150 << 10)
#define IPC_KEY_MAX 128
#define IPC_ADDRESS_MAX 512
#define IPC_SASL_MAX 12288
#define IPC_PUBLIC_KEY_MAX 2048

/* clang-format off */

/* From the parent to every role, while starting: its part of the world; later: replaced peers. */
#define MSG_SETUP_CONFIG(F)     F##_BYTES(text, IPC_PAYLOAD_MAX)
#define MSG_SETUP_SECRET(F)     F##_BYTES(name, 64) F##_BYTES(value, 16384)
#define MSG_SETUP_DATA(F)       F##_BYTES(name, 64) F##_BYTES(value, IPC_PAYLOAD_MAX)
/* A sealed memory file of `len` bytes, to be mapped and only read. */
#define MSG_SETUP_FILE(F)       F##_BYTES(name, 64) F##_U64(len)
#define MSG_SETUP_LISTENER(F)   F##_U8(service) F##_U16(port)
/* link numbers the pair of sockets; the role says it again when that socket ends while both live (role -> parent). */
#define MSG_PEER(F)             F##_U8(role) F##_U8(index) F##_U32(link)
#define MSG_PEER_LOST(F)        F##_U8(role) F##_U8(index) F##_U32(link)
#define MSG_START(F)
#define MSG_READY(F)
#define MSG_STOP(F)
#define MSG_STATUS_QUERY(F)     F##_U32(id)
#define MSG_STATUS_REPLY(F)     F##_U32(id) F##_BYTES(sandbox, 64) F##_BYTES(secrets, 32) F##_BYTES(counters, 4096)

/* frontend -> tlskey: the private operation of a TLS handshake: ECDSA over a digest, or RSA over a block padded already.
 * key: which of the server's keys. alg: enum tls_sign_alg. */
#define MSG_SIGN(F)             F##_U32(key) F##_U8(alg) F##_BYTES(digest, 1024)
#define MSG_SIGN_DONE(F)          F##_U8(ok) F##_BYTES(signature, 1024)

/* frontend -> auth: is this recipient ours? result: enum rcpt_result (os/roles.h). */
#define MSG_RCPT_QUERY(F)       F##_U64(id) F##_BYTES(address, IPC_ADDRESS_MAX)
#define MSG_RCPT_REPLY(F)       F##_U64(id) F##_U8(result)
/* frontend -> auth: a sign-in, step by step. `binding` is the channel's tls-exporter value for SCRAM-PLUS. */
#define MSG_LOGIN_START(F)      F##_U64(id) F##_U8(service) F##_U8(mechanism) F##_BYTES(peer, 16) F##_BYTES(binding, 64) F##_BYTES(data, IPC_SASL_MAX)
#define MSG_LOGIN_CONTINUE(F)   F##_U64(id) F##_BYTES(data, IPC_SASL_MAX)
#define MSG_LOGIN_CHALLENGE(F)  F##_U64(id) F##_BYTES(data, IPC_SASL_MAX)
/* result: enum login_result; ticket proves the sign-in to delivery; until: when the token that signed in ends (Unix seconds; 0: it was
 * a password); data: SCRAM's last server message. */
#define MSG_LOGIN_RESULT(F)     F##_U64(id) F##_U8(result) F##_ID(ticket) F##_U64(until) F##_BYTES(data, IPC_SASL_MAX) F##_BYTES(address, IPC_ADDRESS_MAX)
/* frontend -> auth: the connection of a finished sign-in goes to its session; carries the stream's far end. */
#define MSG_ATTACH(F)           F##_U64(id) F##_ID(ticket) F##_U8(service) F##_BYTES(tag, 1024) F##_BYTES(peer, 16)
#define MSG_LOGIN_END(F)        F##_U64(id) F##_ID(ticket)
/* frontend -> auth: may the signed-in person send as this address? */
#define MSG_SENDER_QUERY(F)     F##_U64(id) F##_ID(ticket) F##_BYTES(address, IPC_ADDRESS_MAX)
#define MSG_SENDER_REPLY(F)     F##_U64(id) F##_U8(result)

/* frontend -> auth: one command of the web's sign-in (ipc/web.h). peer: the client's address; token: of its cookie, or empty;
 * agent: what its browser calls itself. In the reply, err: enum ll_error negated, then body is a web_problem; cookie: enum
 * web_cookie, with a new token where one is set and its Max-Age (0: none, as long as the browser runs). */
#define MSG_WEB_COMMAND(F)      F##_U64(id) F##_BYTES(peer, 16) F##_BYTES(token, 32) F##_BYTES(agent, 256) F##_BYTES(command, 64) F##_BYTES(body, IPC_PAYLOAD_MAX)
#define MSG_WEB_REPLY(F)        F##_U64(id) F##_U8(err) F##_U8(cookie) F##_U32(max_age) F##_BYTES(token, 32) F##_BYTES(body, IPC_PAYLOAD_MAX)
/* frontend -> auth: a web link (faces/web_link.h) to the session process of who holds the cookie's token, or, when that is
 * empty, of who signed in with an app password (ticket). Carries the stream's far end. session: the web session, or the ticket,
 * by which WEB_REVOKE names it later. */
#define MSG_WEB_ATTACH(F)       F##_U64(id) F##_BYTES(token, 32) F##_ID(ticket) F##_BYTES(peer, 16)
#define MSG_WEB_ATTACHED(F)     F##_U64(id) F##_U8(err) F##_ID(session) F##_ID(account) F##_BYTES(address, IPC_ADDRESS_MAX)
/* auth -> every frontend, or the one that holds the ticket: this sign-in is over; its links, WebSockets and EventSources end.
 * It goes before the answer to whoever has ended it, and before the session process is told. */
#define MSG_WEB_REVOKE(F)       F##_ID(session)

/* frontend -> auth: the OpenPGP key that the owner of this address publishes, or, when hash is given, of the address at this
 * "@domain" whose Web Key Directory name that is. In the reply, local: the domain is ours; err negated. */
#define MSG_PGP_QUERY(F)        F##_U64(id) F##_BYTES(address, IPC_ADDRESS_MAX) F##_BYTES(hash, 32)
#define MSG_PGP_REPLY(F)        F##_U64(id) F##_U8(err) F##_U8(local) F##_BYTES(key, 49152)

/* frontend -> auth: the MTA-STS policy of one of our domains, as text; err negated. */
#define MSG_STS_QUERY(F)        F##_U64(id) F##_BYTES(domain, 256)
#define MSG_STS_REPLY(F)        F##_U64(id) F##_U8(err) F##_BYTES(policy, 16384)

/* frontend -> delivery: a complete message; envelope (faces/delivery_envelope.h) and body stand one after the other in
 * `payload`, or, when that is empty, in the memory file that comes along. */
#define MSG_DELIVER(F)          F##_U64(id) F##_U64(envelope_len) F##_U64(body_len) F##_BYTES(payload, IPC_PAYLOAD_MAX)
#define MSG_DELIVER_RESULT(F)   F##_U64(id) F##_U16(code) F##_BYTES(text, 512)
/* auth -> delivery: the socket's far end is the session of that account; what it sends is a submission under this ticket.
 * auth -> session: the other end, and the ticket. */
#define MSG_SUBMITTER(F)        F##_ID(account) F##_ID(ticket)
#define MSG_SESSION_OUT(F)      F##_ID(ticket)
/* session -> delivery -> relay: takes back what it had sent to be held (delivery fills in the account), and the answer the
 * other way: LL_OK, LL_ERR_NOTFOUND, LL_ERR_STATE (on its way already), negated. */
#define MSG_HELD_CANCEL(F)      F##_U64(id) F##_ID(account) F##_ID(hold)
#define MSG_HELD_CANCELLED(F)   F##_U64(id) F##_U8(err)

/* delivery -> auth: where does this address go? One answer for each account or outside address, then one with `last` that
 * has only the result. */
#define MSG_RESOLVE(F)          F##_U64(id) F##_BYTES(address, IPC_ADDRESS_MAX)
#define MSG_RESOLVED(F)         F##_U64(id) F##_U8(result) F##_U8(last) F##_U8(vacation) F##_U8(push) F##_ID(account) F##_U64(quota) F##_U32(keyver) F##_BYTES(seal_key, IPC_PUBLIC_KEY_MAX) F##_BYTES(address, IPC_ADDRESS_MAX)
/* delivery -> auth: is a vacation notice due to this sender? If it is, that is remembered. auth -> delivery: the notice, with the
 * language of what it leaves out (enum language), or due 0. session -> auth: the owner's notice from now on (times: Unix seconds, 0: open; text and html UTF-8), and auth's
 * answer, an error negated. */
#define MSG_VACATION_QUERY(F)   F##_U64(id) F##_ID(account) F##_BYTES(sender, IPC_ADDRESS_MAX)
#define MSG_VACATION_REPLY(F)   F##_U64(id) F##_U8(due) F##_U8(language) F##_BYTES(subject, 1000) F##_BYTES(text, 24576) F##_BYTES(html, 32768)
#define MSG_SESSION_VACATION(F) F##_U64(id) F##_U8(on) F##_U64(start) F##_U64(end) F##_BYTES(subject, 1000) F##_BYTES(text, 24576) F##_BYTES(html, 32768)
#define MSG_SESSION_VACATION_DONE(F) F##_U64(id) F##_U8(err)
/* session -> auth: what may the owner write as? auth -> session: addresses besides its own, one a line, "@domain" for all of a
 * domain; or an error negated. */
#define MSG_SESSION_OWN(F)      F##_U64(id)
#define MSG_SESSION_OWNED(F)    F##_U64(id) F##_U8(err) F##_BYTES(lines, 32768)
/* auth -> session: in which language (enum language) the server writes for the owner. It comes at first, and again when that
 * changes or what the owner may write as does. */
#define MSG_SESSION_OWNER(F)    F##_U8(language)
/* session -> auth: every push subscription of the owner from now on (roles/push_list.h), and auth's answer, an error negated;
 * then what one of them is to be sent. auth -> session: the public key that push services know this server by. delivery ->
 * auth: mail has come for an account that has subscriptions. */
#define MSG_SESSION_PUSH_SET(F) F##_U64(id) F##_BYTES(list, 49152)
#define MSG_SESSION_PUSH_DONE(F) F##_U64(id) F##_U8(err)
#define MSG_SESSION_PUSH_SEND(F) F##_ID(subscription) F##_BYTES(body, 3072)
#define MSG_SESSION_PUSH_KEY(F) F##_BYTES(key, 65)
#define MSG_PUSH_DELIVERED(F)   F##_ID(account)
/* delivery -> auth: may the holder of this ticket send as this address? In which language (enum language) is the answer written,
 * should there be a report. */
#define MSG_TICKET_QUERY(F)     F##_U64(id) F##_ID(ticket) F##_BYTES(address, IPC_ADDRESS_MAX)
#define MSG_TICKET_REPLY(F)     F##_U64(id) F##_U8(result) F##_U8(language)

/* delivery, relay, frontend -> lookup. rdata: each record as 2-byte length and wire-format rdata. status: enum dns_status. */
#define MSG_DNS_QUERY(F)        F##_U64(id) F##_U16(type) F##_BYTES(name, 256)
#define MSG_DNS_ANSWER(F)       F##_U64(id) F##_U8(status) F##_U8(secure) F##_U32(ttl) F##_BYTES(cname, 256) F##_BYTES(rdata, 65536)
/* kind: enum fetch_kind. In the reply, status 0: nothing could be fetched; a body that is longer than its field is the
 * sealed memory file that comes along, `length` bytes. */
#define MSG_HTTPS_GET(F)        F##_U64(id) F##_U8(kind) F##_BYTES(url, 4096)
/* auth -> lookup: a push message; headers: lines "name: value", each ended by LF. The reply has no body. */
#define MSG_HTTPS_POST(F)       F##_U64(id) F##_BYTES(url, 4096) F##_BYTES(headers, 2048) F##_BYTES(body, 4096)
#define MSG_HTTPS_REPLY(F)      F##_U64(id) F##_U16(status) F##_U64(length) F##_BYTES(type, 128) F##_BYTES(body, 65536)

/* session -> auth -> lookup: a connection to a mail server of the owner's (enum dial_kind), and the answer the other way: err
 * negated, and for DIAL_CONNECT the connected socket; for DIAL_FIND the name and port of the domain's server. */
#define MSG_DIAL(F)             F##_U64(id) F##_U8(kind) F##_U16(port) F##_BYTES(host, 256)
#define MSG_DIALLED(F)          F##_U64(id) F##_U8(err) F##_U16(port) F##_BYTES(host, 256)

/* anyone -> store, over a channel bound to partitions. err: enum ll_error negated. */
#define MSG_ST_GET(F)           F##_U64(id) F##_ID(partition) F##_BYTES(key, IPC_KEY_MAX)
#define MSG_ST_VALUE(F)         F##_U64(id) F##_U8(err) F##_BYTES(value, 65536)
#define MSG_ST_RANGE(F)         F##_U64(id) F##_ID(partition) F##_U32(limit) F##_BYTES(from, IPC_KEY_MAX) F##_BYTES(to, IPC_KEY_MAX)
#define MSG_ST_ROWS(F)          F##_U64(id) F##_U8(err) F##_U8(more) F##_BYTES(rows, IPC_PAYLOAD_MAX)
#define MSG_ST_STAT(F)          F##_U64(id) F##_ID(partition)
#define MSG_ST_STATED(F)        F##_U64(id) F##_U8(err) F##_U64(version) F##_U64(blob_bytes) F##_U64(blobs)
#define MSG_ST_COMMIT(F)        F##_U64(id) F##_ID(partition) F##_U64(expect) F##_U64(quota) F##_BYTES(ops, IPC_PAYLOAD_MAX)
#define MSG_ST_COMMITTED(F)     F##_U64(id) F##_U8(err) F##_U64(version)
#define MSG_ST_BLOB_PUT(F)      F##_U64(id) F##_ID(blob) F##_U64(len)
#define MSG_ST_BLOB_READ(F)     F##_U64(id) F##_ID(partition) F##_ID(blob) F##_U64(offset) F##_U64(len) F##_U32(at)
#define MSG_ST_BLOB_SIZE(F)     F##_U64(id) F##_ID(partition) F##_ID(blob)
#define MSG_ST_WATCH(F)         F##_U64(id) F##_ID(partition)
#define MSG_ST_UNWATCH(F)       F##_ID(partition)
#define MSG_ST_BELL(F)          F##_ID(partition)
#define MSG_ST_DROP(F)          F##_U64(id) F##_ID(partition)
/* A window of shared memory for what is larger than a packet: st_blob_read answers lie in it. Sent once by the client. */
#define MSG_ST_WINDOW(F)        F##_U64(len)
/* auth -> store: a channel that can touch only this partition; the answer carries it. */
#define MSG_ST_OPEN(F)          F##_U64(id) F##_ID(partition)
#define MSG_ST_OPENED(F)        F##_U64(id) F##_U8(err)

/* auth -> session template, then auth <-> one session. */
#define MSG_SESSION_SPAWN(F)    F##_ID(account)
#define MSG_SESSION_STORE(F)
#define MSG_SESSION_KEY(F)      F##_U8(area) F##_U32(version) F##_BYTES(secret, 64)
#define MSG_SESSION_OPEN(F)     F##_ID(account) F##_U64(quota) F##_BYTES(address, IPC_ADDRESS_MAX) F##_U32(keyver) F##_BYTES(seal_key, IPC_PUBLIC_KEY_MAX)
#define MSG_SESSION_CONN(F)     F##_U8(service) F##_U32(areas) F##_BYTES(tag, 1024) F##_BYTES(peer, 16)
/* The session has taken so many connections up; auth takes one that does not say so for hung. */
#define MSG_SESSION_TAKEN(F)    F##_U64(conns)
/* its owner has brought its keys over a web link */
#define MSG_SESSION_UNLOCKED(F)
#define MSG_SESSION_IDLE(F)     F##_U64(conns)
#define MSG_SESSION_END(F)

/* auth -> relay: the operator's queue commands; relay -> auth: their answers. */
#define MSG_QUEUE_COMMAND(F)    F##_U64(id) F##_BYTES(command, 16) F##_BYTES(argument, 512)
#define MSG_QUEUE_REPLY(F)      F##_U64(id) F##_U8(err) F##_BYTES(json, IPC_PAYLOAD_MAX)
/* relay, delivery -> auth: nothing; auth -> relay: domains changed, load DKIM keys again. */
#define MSG_DOMAINS_CHANGED(F)

/* command line <-> auth, over the control socket. Body: see ipc/control.h. */
#define MSG_CONTROL(F)          F##_U32(id) F##_BYTES(command, 64) F##_BYTES(body, IPC_PAYLOAD_MAX)
#define MSG_CONTROL_REPLY(F)    F##_U32(id) F##_U8(err) F##_BYTES(body, IPC_PAYLOAD_MAX)
/* parent -> auth: a connection to the control socket. */
#define MSG_CONTROL_CONN(F)     F##_U32(uid)
/* auth -> parent: asks for and gets the state of all processes. */
#define MSG_PROCESSES_QUERY(F)  F##_U32(id)
#define MSG_PROCESSES_REPLY(F)  F##_U32(id) F##_BYTES(json, IPC_PAYLOAD_MAX)

/* M(NAME, name, carries a descriptor: 0 no, 1 yes, 2 maybe) */
#define MSG_LIST(M) \
	M(SETUP_CONFIG, setup_config, 0) M(SETUP_SECRET, setup_secret, 0) M(SETUP_DATA, setup_data, 0) M(SETUP_LISTENER, setup_listener, 1) \
	M(SETUP_FILE, setup_file, 1) \
	M(PEER, peer, 1) M(PEER_LOST, peer_lost, 0) M(START, start, 0) M(READY, ready, 0) M(STOP, stop, 0) \
	M(STATUS_QUERY, status_query, 0) M(STATUS_REPLY, status_reply, 0) \
	M(SIGN, sign, 0) M(SIGN_DONE, sign_done, 0) \
	M(RCPT_QUERY, rcpt_query, 0) M(RCPT_REPLY, rcpt_reply, 0) \
	M(LOGIN_START, login_start, 0) M(LOGIN_CONTINUE, login_continue, 0) M(LOGIN_CHALLENGE, login_challenge, 0) \
	M(LOGIN_RESULT, login_result, 0) M(ATTACH, attach, 1) M(LOGIN_END, login_end, 0) \
	M(SENDER_QUERY, sender_query, 0) M(SENDER_REPLY, sender_reply, 0) \
	M(WEB_COMMAND, web_command, 0) M(WEB_REPLY, web_reply, 0) M(WEB_ATTACH, web_attach, 1) M(WEB_ATTACHED, web_attached, 0) \
	M(WEB_REVOKE, web_revoke, 0) M(PGP_QUERY, pgp_query, 0) M(PGP_REPLY, pgp_reply, 0) \
	M(STS_QUERY, sts_query, 0) M(STS_REPLY, sts_reply, 0) \
	M(DELIVER, deliver, 2) M(DELIVER_RESULT, deliver_result, 0) M(SUBMITTER, submitter, 1) M(SESSION_OUT, session_out, 1) \
	M(VACATION_QUERY, vacation_query, 0) M(VACATION_REPLY, vacation_reply, 0) \
	M(SESSION_VACATION, session_vacation, 0) M(SESSION_VACATION_DONE, session_vacation_done, 0) \
	M(SESSION_OWN, session_own, 0) M(SESSION_OWNED, session_owned, 0) M(SESSION_OWNER, session_owner, 0) \
	M(SESSION_PUSH_SET, session_push_set, 0) M(SESSION_PUSH_DONE, session_push_done, 0) M(SESSION_PUSH_SEND, session_push_send, 0) \
	M(SESSION_PUSH_KEY, session_push_key, 0) M(PUSH_DELIVERED, push_delivered, 0) M(HTTPS_POST, https_post, 0) \
	M(HELD_CANCEL, held_cancel, 0) M(HELD_CANCELLED, held_cancelled, 0) \
	M(RESOLVE, resolve, 0) M(RESOLVED, resolved, 0) M(TICKET_QUERY, ticket_query, 0) M(TICKET_REPLY, ticket_reply, 0) \
	M(DNS_QUERY, dns_query, 0) M(DNS_ANSWER, dns_answer, 0) M(HTTPS_GET, https_get, 0) M(HTTPS_REPLY, https_reply, 2) \
	M(ST_GET, st_get, 0) M(ST_VALUE, st_value, 0) M(ST_RANGE, st_range, 0) M(ST_ROWS, st_rows, 0) \
	M(ST_STAT, st_stat, 0) M(ST_STATED, st_stated, 0) M(ST_COMMIT, st_commit, 0) M(ST_COMMITTED, st_committed, 0) \
	M(ST_BLOB_PUT, st_blob_put, 1) M(ST_BLOB_READ, st_blob_read, 0) M(ST_BLOB_SIZE, st_blob_size, 0) \
	M(ST_WATCH, st_watch, 0) M(ST_UNWATCH, st_unwatch, 0) M(ST_BELL, st_bell, 0) M(ST_DROP, st_drop, 0) \
	M(ST_WINDOW, st_window, 1) M(ST_OPEN, st_open, 0) M(ST_OPENED, st_opened, 2) \
	M(SESSION_SPAWN, session_spawn, 1) M(SESSION_STORE, session_store, 1) M(SESSION_KEY, session_key, 0) \
	M(SESSION_OPEN, session_open, 0) M(SESSION_CONN, session_conn, 1) M(SESSION_TAKEN, session_taken, 0) M(SESSION_IDLE, session_idle, 0) M(SESSION_UNLOCKED, session_unlocked, 0) \
	M(SESSION_END, session_end, 0) \
	M(QUEUE_COMMAND, queue_command, 0) M(QUEUE_REPLY, queue_reply, 0) M(DOMAINS_CHANGED, domains_changed, 0) \
	M(CONTROL, control, 0) M(CONTROL_REPLY, control_reply, 0) M(CONTROL_CONN, control_conn, 1) \
	M(PROCESSES_QUERY, processes_query, 0) M(PROCESSES_REPLY, processes_reply, 0) \
	M(DIAL, dial, 0) M(DIALLED, dialled, 2)

/* clang-format on */

#define MSG_ENUM(NAME, name, fd) MSG_KIND_##NAME,
enum msg_kind { MSG_LIST(MSG_ENUM) MSG_KINDS };

#define MSG_S_U8(n) uint8_t n;
#define MSG_S_U16(n) uint16_t n;
#define MSG_S_U32(n) uint32_t n;
#define MSG_S_U64(n) uint64_t n;
#define MSG_S_ID(n) uint8_t n[IPC_ID_LEN];
#define MSG_S_BYTES(n, max) struct slice n;
#define MSG_STRUCT(NAME, name, fd)                                                                 \
	struct msg_##name {                                                                        \
		MSG_##NAME(MSG_S)                                                                  \
	};
MSG_LIST(MSG_STRUCT)

/* Appends the packet of one message: LL_ERR_LIMIT when a field is longer than its maximum.
 * Generated for each message. */
#define MSG_ENCODER(NAME, name, fd)                                                                \
	int msg_##name##_encode(struct buf *out, const struct msg_##name *m) CHECKED;
MSG_LIST(MSG_ENCODER)

/* Any message, decoded. */
struct msg {
	enum msg_kind kind;
	union {
#define MSG_MEMBER(NAME, name, fd) struct msg_##name name;
		MSG_LIST(MSG_MEMBER)
	};
};

/* Decodes one packet; slices in *ret are views into it. has_fd: a descriptor came with it.
 * LL_ERR_SYNTAX. */
int msg_decode(struct slice packet, bool has_fd, struct msg *ret) CHECKED;
/* The name of a kind, for logs. */
const char *msg_name(enum msg_kind kind);

#endif
