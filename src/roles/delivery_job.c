/* One message through delivery: recipients are resolved and the sender is checked at the same time;
 * then the message is completed, sealed to each recipient, and committed. The answer follows the
 * last commit. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "faces/smtp_received.h"
#include "mail/address.h"
#include "mail/header.h"
#include "os/clock.h"
#include "os/memfile.h"
#include "roles/delivery.h"
#include "store/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define JOB_TIMEOUT_MS 60000 /* for everything that others must answer */
/* For the DNS questions of one message together. A client that speaks RFC 5321 waits ten minutes
 * for its answer, but holds a connection and a memory file meanwhile, and senders with dead DNS
 * come in numbers. Then SPF, DKIM and DMARC say temperror, which RFC 7208 section 2.6.6 and RFC
 * 7489 section 6.6.3 let a receiver accept or defer. Letterlock accepts: the message says in its
 * Authentication-Results what could not be found out, and a sender whose domain never resolves
 * would only come again for days. It defers where it is known that the author's domain wants
 * forgeries refused: else it would be enough to silence a name server in order to forge. */
#define DNS_BUDGET_MS 20000
#define SENDERS_MAX 20000
#define ADDED_MAX ((size_t)64 << 10) /* header fields put on top */

struct sender {
	struct record_sender *sender;
	uint32_t keyver;
};

static void advance(struct job *j);

static void
job_free(struct job *j)
{
	(void)map_del(dv.jobs, slice_new(&j->id, sizeof(j->id)));
	loop_timer_stop(dv.env->loop, &j->timer);
	loop_timer_stop(dv.env->loop, &j->dns_timer);
	VEC_EACH (t, &j->targets) {
		free(t->seal_key);
		free(t->address);
	}
	VEC_DONE(&j->targets);
	VEC_DONE(&j->asked);
	VEC_DONE(&j->author_keys);
	arena_done(&j->arena);
	mailauth_free(j->auth);
	dns_memo_free(j->memo);
	delivery_free(j->sealed);
	buf_done(&j->message);
	free(j->envelope.rcpts);
	if (j->mapped)
		munmap(j->payload, j->payload_len);
	else
		free(j->payload);
	free(j);
}

static void
finish(struct job *j, uint16_t code, const char *text)
{
	dv.accepted += code == 250;
	dv.deferred += code == 451 || code == 452;
	dv.refused += code > 499;
	if (j->asker)
		(void)ipc_send_deliver_result(j->asker,
			&(struct msg_deliver_result){
				.id = j->conn, .code = code, .text = slice_str(text)},
			-1);
	job_free(j);
}

static void
on_timeout(void *ctx)
{
	struct job *j = ctx;

	if (!j->commits) /* else only the store knows what becomes of it, and will say so */
		finish(j, 451, "");
}

/* --- sealing and committing --- */

static void
sender_free(void *p)
{
	struct sender *s = p;

	record_sender_free(s->sender);
	free(s);
}

/* The encapsulation in use for an account, renewed when its burst is over. */
static struct record_sender *
sender_for(const struct target *t)
{
	struct slice key = slice_new(t->account.b, sizeof(t->account.b));
	struct sender *s = map_get(dv.senders, key);
	uint64_t now = (uint64_t)clock_ms();

	if (s && s->keyver == t->keyver) {
		if (!record_sender_fresh(s->sender, now) && record_sender_renew(s->sender, now))
			return NULL;
		return s->sender;
	}
	if (s)
		sender_free(map_del(dv.senders, key));
	if (map_len(dv.senders) >= SENDERS_MAX) {
		map_free(dv.senders, sender_free);
		dv.senders = map_new();
	}
	s = dv.senders ? calloc(1, sizeof(*s)) : NULL;
	if (!s)
		return NULL;
	s->keyver = t->keyver;
	if (record_sender_new(t->seal_key, now, &s->sender) || map_set(dv.senders, key, s, NULL)) {
		sender_free(s);
		return NULL;
	}
	return s->sender;
}

/* The worst answer wins: nothing may be reported as done that is not. */
static void
note(struct job *j, uint16_t code, const char *text)
{
	if (j->code == 0 || j->code == 250) {
		j->code = code;
		j->text = text;
	}
}

/* Nobody tells a forger or a spammer that the mailbox is read, nor answers what was made here. */
static bool
may_answer(const struct job *j)
{
	const struct mailauth_result *a = j->auth ? mailauth_result(j->auth) : NULL;

	return j->envelope.service != SERVICE_INTERNAL &&
		(!a || a->dmarc.disposition == DMARC_POLICY_NONE);
}

/* Auth has programs told that mail has come. */
static void
push_delivered(const struct job *j)
{
	struct ipc_channel *authp = role_peer(dv.env, ROLE_AUTH, 0);
	struct msg_push_delivered m;

	VEC_EACH (t, &j->targets) {
		if (!authp || !t->local || !t->push)
			continue;
		memcpy(m.account, t->account.b, sizeof(m.account));
		(void)ipc_send_push_delivered(authp, &m, -1);
	}
}

void
job_committed(void *job, int err, uint64_t version)
{
	struct job *j = job;

	if (err == LL_OK)
		note(j, 250, "");
	else
		note(j, err == LL_ERR_QUOTA ? 452 : 451,
			err == LL_ERR_QUOTA ? "The mailbox is full" : "");
	if (err && err != LL_ERR_QUOTA)
		log_warn("commit", "error=%s", log_quote(slice_str(ll_strerror(err))));
	if (--j->commits)
		return;
	if (j->code == 250 && !j->held) {
		job_report_delivered(j);
		push_delivered(j);
		if (may_answer(j))
			vacation_delivered(j);
	}
	finish(j, j->code, j->text);
}

static int
deliver_local(struct job *j, const struct target *t, enum mailbox_role role)
{
	struct record_sender *sender = sender_for(t);
	struct delivery_recipient rcpt = {.account = t->account,
		.keyver = t->keyver,
		.address = j->envelope.rcpts[t->rcpt].address,
		.role = role};
	struct delivery_record rec = {0};
	struct store_commit c = {
		.partition = t->account, .expect = STORE_ANY_VERSION, .quota = t->quota};
	int r = sender ? delivery_seal(j->sealed, sender, &rcpt, &rec) : LL_ERR_CRYPTO;

	if (r == LL_OK) {
		c.ops = rec.ops;
		c.n = rec.n;
		store_commit(dv.store, &c, job_committed, j);
	}
	delivery_record_done(&rec);
	return r;
}

static void
commit_all(struct job *j, enum mailbox_role role)
{
	size_t local = 0, outside = 0;
	int r;

	VEC_EACH (t, &j->targets) {
		local += t->local;
		outside += !t->local;
	}
	r = dv.store
		? delivery_new(buf_slice(&j->message), (uint64_t)clock_unix() * 1000, &j->sealed)
		: LL_ERR_CLOSED;
	if (r == LL_OK && local && (local > 1 || delivery_large(j->sealed)))
		r = delivery_stage(j->sealed, dv.store);
	j->commits = 1; /* this function's own */
	VEC_EACH (t, &j->targets) {
		if (!t->local || r)
			continue;
		j->commits++;
		if ((r = deliver_local(j, t, role)))
			j->commits--;
	}
	if (r == LL_OK && outside)
		r = job_queue(j);
	if (r) {
		log_warn("deliver", "error=%s", log_quote(slice_str(ll_strerror(r))));
		note(j, 451, "");
	}
	if (--j->commits == 0)
		finish(j, j->code ? j->code : 451, j->text ? j->text : "");
}

/* Not yet: relay keeps it, for recipients here and elsewhere alike. */
static void
hold(struct job *j)
{
	int r;

	j->commits = 1; /* this function's own */
	r = dv.store ? job_hold(j) : LL_ERR_CLOSED;
	if (r) {
		log_warn("hold", "error=%s", log_quote(slice_str(ll_strerror(r))));
		note(j, 451, "");
	}
	if (--j->commits == 0)
		finish(j, j->code ? j->code : 451, j->text ? j->text : "");
}

/* --- completing the message --- */

/* The header without forged fields, then the body. */
static void
put_rest(struct buf *out, struct slice in, const struct auth_results_range *forged, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		buf_put(out, slice_sub(in, at, forged[i].offset - at));
		at = forged[i].offset + forged[i].length;
	}
	buf_put(out, slice_skip(in, at));
}

static int
compose_incoming(struct job *j)
{
	const struct mailauth_result *a = mailauth_result(j->auth);

	buf_put(&j->message, a->header);
	buf_put(&j->message, j->envelope.received);
	put_rest(&j->message, j->body, a->forged, a->forged_count);
	return buf_err(&j->message);
}

/* The message as mailboxes get it, with the return path of its final delivery (RFC 5321
 * section 4.4) whoever it came from; what is held is not delivered yet, and gets it then. */
static int
complete(struct job *j, const char **ret_why)
{
	enum service s = j->envelope.service;

	j->message = BUF_INIT(j->body.len + ADDED_MAX);
	if (!j->held)
		(void)smtp_return_path_put(
			&j->message, &(struct smtp_path){.text = j->envelope.from});
	if (j->auth)
		return compose_incoming(j);
	if (s == SERVICE_INTERNAL || s == SERVICE_RELEASED)
		return buf_put(&j->message, j->body); /* complete since it was made, or submitted */
	return job_complete_submission(j, &j->message, ret_why);
}

static void
compose(struct job *j)
{
	const struct mailauth_result *a = j->auth ? mailauth_result(j->auth) : NULL;
	enum mailbox_role role = MAILBOX_NO_ROLE;
	const char *why = "";
	int r;

	j->composing = true;
	j->held = j->envelope.hold_until > clock_unix();
	if (a && a->dmarc.disposition == DMARC_POLICY_REJECT) {
		finish(j, 550, "The message fails its author domain's DMARC policy");
		return;
	}
	if (a && a->dmarc.result == DMARC_TEMPERROR && a->dmarc.published == DMARC_POLICY_REJECT) {
		finish(j, 451, "The author domain's DMARC policy cannot be checked now");
		return;
	}
	if (a && a->dmarc.disposition == DMARC_POLICY_QUARANTINE)
		role = MAILBOX_JUNK;
	r = complete(j, &why);
	if (r == LL_OK && j->held)
		hold(j);
	else if (r == LL_OK)
		commit_all(j, role);
	else if (r == LL_ERR_DENIED)
		finish(j, 555, why);
	else if (r == LL_ERR_SYNTAX)
		finish(j, 554, why);
	else
		finish(j, 451, "");
}

/* --- what must be known first --- */

/* Runs the checks as far as the answers go. */
static void
check_sender(struct job *j)
{
	int r = LL_ERR_AGAIN;

	for (int i = 0; i < 64 && r == LL_ERR_AGAIN; i++) {
		r = mailauth_step(j->auth, j->memo);
		if (r != LL_ERR_AGAIN)
			break;
		job_ask_dns(j);
		if (dns_memo_pending(j->memo))
			return;
	}
	if (r)
		log_warn("mailauth", "error=%s", log_quote(slice_str(ll_strerror(r))));
	if (r)
		note(j, 451, "");
	j->auth_done = true;
}

static void
advance(struct job *j)
{
	if (j->auth && !j->auth_done)
		check_sender(j);
	if (j->composing || j->resolving || j->tickets || (j->auth && !j->auth_done))
		return;
	if (j->code && j->code != 250)
		finish(j, j->code, j->text);
	else if (j->targets.len == 0)
		finish(j, 451, "");
	else
		compose(j);
}

static void
on_dns_over(void *ctx)
{
	struct job *j = ctx;

	if (j->auth_done)
		return;
	j->dns_over = true;
	job_dns_failed(j);
	advance(j);
}

int
job_dns_budget(struct job *j)
{
	return loop_timer_set(dv.env->loop, &j->dns_timer, DNS_BUDGET_MS, on_dns_over, j);
}

void
job_start(struct ipc_channel *asker, const struct msg_deliver *m, int fd)
{
	struct job *j = calloc(1, sizeof(*j));
	int r;

	if (!j) {
		if (asker)
			(void)ipc_send_deliver_result(
				asker, &(struct msg_deliver_result){.id = m->id, .code = 451}, -1);
		return;
	}
	*j = (struct job){.id = ++dv.next_job, .asker = asker, .conn = m->id, .text = ""};
	r = map_set(dv.jobs, slice_new(&j->id, sizeof(j->id)), j, NULL);
	if (r == LL_OK)
		r = loop_timer_set(dv.env->loop, &j->timer, JOB_TIMEOUT_MS, on_timeout, j);
	if (r == LL_OK)
		r = job_begin(j, m, fd);
	if (r == LL_ERR_SYNTAX)
		finish(j, 554, "A submission needs a From field with an address");
	else if (r)
		finish(j, 451, "");
	else if (job_count_received(j) > DELIVERY_RECEIVED_MAX)
		finish(j, 556, "Too many Received fields, this is a loop");
	else
		advance(j);
}

static struct job *
find(uint64_t id)
{
	return map_get(dv.jobs, slice_new(&id, sizeof(id)));
}

static int
add_target(struct job *j, const struct msg_resolved *m, uint32_t rcpt)
{
	struct target t = {.local = m->result == RCPT_LOCAL,
		.vacation = m->vacation,
		.push = m->push,
		.keyver = m->keyver,
		.quota = m->quota,
		.rcpt = rcpt};

	if (j->targets.len >= DELIVERY_TARGETS_MAX)
		return LL_ERR_LIMIT;
	memcpy(t.account.b, m->account, sizeof(t.account.b));
	VEC_EACH (known, &j->targets)
		if (t.local && known->local &&
			memcmp(&known->account, &t.account, sizeof(t.account)) == 0)
			return LL_OK; /* one copy is enough */
	t.address = strndup((const char *)m->address.ptr, m->address.len);
	if (t.local && m->seal_key.len == XWING_PUBLIC_LEN &&
		(t.seal_key = malloc(XWING_PUBLIC_LEN)))
		memcpy(t.seal_key, m->seal_key.ptr, XWING_PUBLIC_LEN);
	if (t.address && (t.seal_key || !t.local) && VEC_PUSH(&j->targets, t) == LL_OK)
		return LL_OK;
	free(t.address);
	free(t.seal_key);
	return LL_ERR_NOMEM;
}

/* An address elsewhere, named by a submission directly. */
static int
add_outside(struct job *j, uint32_t rcpt)
{
	struct msg_resolved m = {.result = RCPT_REMOTE, .address = j->envelope.rcpts[rcpt].address};

	return j->envelope.service == SERVICE_SMTP ? LL_ERR_DENIED : add_target(j, &m, rcpt);
}

/* A frontend has asked about each recipient before; for these messages nobody has. */
static bool
nobody_asked(const struct job *j)
{
	return j->envelope.service == SERVICE_SESSION || j->envelope.service == SERVICE_RELEASED;
}

/* The answer names the first recipient that does not exist. */
static void
refuse(struct job *j, uint32_t rcpt)
{
	if (!j->refused[0])
		snprintf(j->refused, sizeof(j->refused), "%.*s",
			SLICE_ARG(j->envelope.rcpts[rcpt].address));
	note(j, 550, j->refused);
}

void
job_resolved(const struct msg_resolved *m)
{
	struct job *j = find(m->id >> 16);
	uint32_t rcpt = (uint32_t)(m->id & 0xffff);
	int r = LL_OK;

	if (!j || rcpt >= j->envelope.n_rcpts || j->composing)
		return;
	if (!m->last && (m->result == RCPT_LOCAL || m->result == RCPT_REMOTE))
		r = add_target(j, m, rcpt);
	else if (m->last && m->result == RCPT_REMOTE)
		r = add_outside(j, rcpt);
	else if (m->result == RCPT_UNKNOWN && nobody_asked(j))
		refuse(j, rcpt);
	else if (m->result != RCPT_LOCAL)
		r = LL_ERR_AGAIN; /* it was there a moment ago */
	if (r)
		note(j, 451, "");
	if (m->last && j->resolving) {
		j->resolving--;
		advance(j);
	}
}

void
job_ticket(const struct msg_ticket_reply *m)
{
	struct job *j = find(m->id);

	if (!j || !j->tickets)
		return;
	j->tickets--;
	if (m->result == LOGIN_TEMPORARY)
		note(j, 451, "");
	else if (m->result == LOGIN_OK)
		j->envelope.language = m->language < LANGUAGES ? m->language : LANGUAGE_NONE;
	else
		note(j, 555, "The sender or From address is not one of yours");
	advance(j);
}

void
job_dns(const struct msg_dns_answer *m)
{
	struct job *j = find(m->id >> 16);
	size_t number = (size_t)(m->id & 0xffff);

	if (!j || !j->memo || number >= j->asked.len || j->auth_done)
		return;
	job_take_dns(j, number, m);
	advance(j);
}

void
job_lost(enum role role, const struct ipc_channel *ch)
{
	size_t pos = 0;
	void *value;

	while (map_next(dv.jobs, &pos, NULL, &value)) {
		struct job *j = value;
		if (j->asker == ch) {
			j->asker = NULL; /* it goes on: what is committed is delivered */
		} else if (role == ROLE_AUTH && (j->resolving || j->tickets)) {
			finish(j, 451, "");
		} else if (role == ROLE_LOOKUP && j->memo && !j->auth_done) {
			job_dns_failed(j);
			advance(j);
		}
	}
}
