/* Bringing mail over from another server, in the session of who owns the account: the job is theirs
 * (faces/import_run.h does the work), the connection comes from lookup, by way of auth, and TLS
 * ends here, so that nobody else sees the password or the mail. The password lies in secret memory
 * for as long as the job may still need it, and nowhere else. */
#include "account/importing.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "faces/import_run.h"
#include "faces/jmap.h"
#include "ipc/messages.h"
#include "os/clock.h"
#include "os/roles.h"
#include "os/stream.h"
#include "roles/session.h"
#include "roles/session_web.h"
#include "roles/trust.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET_SIZE ((size_t)1024)
#define DIAL_MS 90000
#define SILENCE_MS 120000 /* of the other server */
#define SLICE_MS 20 /* of work, then others have their turn */
#define PAUSE_MS 5
#define TRIES_MAX 10u

struct task {
	struct task *next;
	struct store_id id;
	char *secret; /* secret memory, or NULL */
	size_t secret_len;
	enum jmap_import_state state;
	uint64_t dial; /* what is asked of lookup; 0: nothing */
	struct stream *stream;
	struct import_run *run;
	struct loop_timer timer, breath;
	unsigned tries; /* that came to nothing, one after the other */
	bool secured;
	char host[IMPORT_HOST_MAX + 1];
};

static struct {
	struct slice cas; /* shared by all sessions */
	SSL_CTX *tls; /* of them; while there are tasks */
	struct task *tasks;
	uint64_t next_dial;
} si;

static void work(struct task *t);
static void settle(struct task *t);
static void pump(struct task *t);

/* ---- Tasks ---- */

static struct task *
task_find(struct store_id id)
{
	struct task *t = si.tasks;

	while (t && memcmp(t->id.b, id.b, sizeof(id.b)) != 0)
		t = t->next;
	return t;
}

static struct task *
task_get(struct store_id id)
{
	struct task *t = task_find(id);

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->id = id;
	t->next = si.tasks;
	si.tasks = t;
	return t;
}

/* Ends what is under way; the password stays. */
static void
task_stop(struct task *t)
{
	loop_timer_stop(session_loop(), &t->timer);
	loop_timer_stop(session_loop(), &t->breath);
	t->dial = 0;
	stream_free(TAKE(t->stream));
	import_run_free(TAKE(t->run));
	t->secured = false;
	t->state = t->secret ? JMAP_IMPORT_READY : JMAP_IMPORT_IDLE;
}

static void
forget_secret(struct task *t)
{
	secret_free(TAKE(t->secret), SECRET_SIZE);
	t->secret_len = 0;
}

static void
task_drop(struct task *t)
{
	struct task **at = &si.tasks;

	task_stop(t);
	forget_secret(t);
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	free(t);
	if (!si.tasks)
		SSL_CTX_free(TAKE(si.tls));
}

bool
session_import_busy(void)
{
	for (const struct task *t = si.tasks; t; t = t->next)
		if (t->state > JMAP_IMPORT_READY)
			return true;
	return false;
}

/* ---- Trying again ---- */

static void
on_again(void *ctx)
{
	work(ctx);
}

static void
wait_again(struct task *t)
{
	static const int seconds[] = {2, 5, 15, 60, 120, 300};
	int64_t s = seconds[MIN(t->tries, (unsigned)ARRAY_SIZE(seconds) - 1)];

	task_stop(t);
	t->tries++;
	t->state = JMAP_IMPORT_WAITING;
	if (loop_timer_set(session_loop(), &t->timer, s * 1000, on_again, t))
		task_drop(t);
}

/* What an owner has to see to; the password is not kept for that. */
static void
give_up(struct task *t)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)1 << 20);
	struct import_job job;

	if (!import_load(session_account(), t->id, &arena, &job) && job.phase == IMPORT_ACTIVE) {
		job.phase = IMPORT_PAUSED;
		if (import_store(session_account(), t->id, &job))
			log_warn("import", "error=not-stored");
	}
	task_drop(t);
}

/* Something failed before there was a connection. */
static void
failed(struct task *t, enum import_error why)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)1 << 20);
	struct import_job job;
	bool again = why == IMPORT_TIMEOUT || why == IMPORT_CONNECTION_REFUSED ||
		why == IMPORT_CONNECTION_LOST;

	if (import_load(session_account(), t->id, &arena, &job)) {
		task_drop(t);
		return;
	}
	job.error = why;
	job.words = SLICE_NONE;
	if (import_store(session_account(), t->id, &job)) {
		task_drop(t);
		return;
	}
	if (again && job.phase == IMPORT_ACTIVE && t->tries < TRIES_MAX)
		wait_again(t);
	else
		give_up(t);
}

/* ---- The connection ---- */

/* Why there is no TLS: a certificate that is not valid is something to be told. */
static void
tls_failed(struct task *t)
{
	const SSL *ssl = stream_tls(t->stream);
	long verdict = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;

	if (verdict != X509_V_OK)
		import_run_fail(t->run, IMPORT_CERTIFICATE,
			slice_str(X509_verify_cert_error_string(verdict)));
	else
		import_run_fail(t->run, IMPORT_NO_TLS, SLICE_NONE);
}

/* What is made of the certificates takes more memory than a session that brings nothing over. */
static SSL_CTX *
make_context(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls)
		return NULL;
	if (trust_use(tls, si.cas))
		log_warn("import", "error=%s", "no-certificate"); /* then none is good */
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	return tls;
}

static SSL *
make_tls(char *host)
{
	SSL *ssl;

	if (!si.tls)
		si.tls = make_context();
	ssl = si.tls ? SSL_new(si.tls) : NULL;
	if (!ssl)
		return NULL;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	SSL_set_hostflags(
		ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (SSL_set_tlsext_host_name(ssl, host) == 1 && SSL_set1_host(ssl, host) == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

static void
start_tls(struct task *t)
{
	SSL *ssl = make_tls(t->host);

	if (!ssl || stream_start_tls(t->stream, ssl, false))
		import_run_fail(t->run, IMPORT_FAILED, SLICE_NONE);
}

static void
on_silence(void *ctx)
{
	struct task *t = ctx;

	import_run_fail(t->run, IMPORT_TIMEOUT, SLICE_NONE);
	settle(t);
}

static void
heard(struct task *t)
{
	if (loop_timer_set(session_loop(), &t->timer, SILENCE_MS, on_silence, t))
		import_run_fail(t->run, IMPORT_FAILED, SLICE_NONE);
	session_active();
}

static void
on_breath(void *ctx)
{
	struct task *t = ctx;

	stream_resume(t->stream);
}

static size_t
on_input(void *ctx, struct slice in)
{
	struct task *t = ctx;
	int64_t began = clock_ms();
	size_t used = 0;

	heard(t);
	while (used < in.len && import_run_wants(t->run) != IMPORT_RUN_OVER) {
		used += import_run_input(t->run, slice_skip(in, used));
		pump(t);
		if (clock_ms() - began < SLICE_MS)
			continue;
		if (!loop_timer_set(session_loop(), &t->breath, PAUSE_MS, on_breath, t))
			stream_pause(t->stream);
		break;
	}
	settle(t);
	return used;
}

static void
on_secured(void *ctx)
{
	struct task *t = ctx;

	t->secured = true;
	if (import_run_wants(t->run) == IMPORT_RUN_TLS && import_run_tls_done(t->run))
		import_run_fail(t->run, IMPORT_FAILED, SLICE_NONE);
	pump(t);
	settle(t);
}

static void
on_closed(void *ctx, int err)
{
	struct task *t = ctx;

	if (stream_tls(t->stream) && !t->secured)
		tls_failed(t);
	else
		import_run_fail(t->run, IMPORT_CONNECTION_LOST, SLICE_NONE);
	settle(t);
}

static const struct stream_ops stream_ops = {on_input, NULL, on_secured, on_closed};

/* Sends what the run says, and starts what it wants. */
static void
pump(struct task *t)
{
	struct slice out = import_run_output(t->run);

	if (out.len && stream_send(t->stream, out))
		import_run_fail(t->run, IMPORT_CONNECTION_LOST, SLICE_NONE);
	import_run_sent(t->run, out.len);
	if (import_run_wants(t->run) == IMPORT_RUN_TLS && !stream_tls(t->stream))
		start_tls(t);
	if (import_run_signed_in(t->run))
		t->state = JMAP_IMPORT_RUNNING;
	if (import_run_progress(t->run))
		t->tries = 0;
}

/* Sees to a run that is over. The task, and the stream, may be gone afterwards. */
static void
settle(struct task *t)
{
	enum import_run_end end;
	bool fatal;

	if (!t->run || import_run_wants(t->run) != IMPORT_RUN_OVER)
		return;
	end = import_run_end(t->run);
	fatal = end == IMPORT_RUN_FATAL;
	task_stop(t);
	if (fatal)
		session_give_up("import");
	else if (end == IMPORT_RUN_LOST && t->tries < TRIES_MAX)
		wait_again(t);
	else if (end == IMPORT_RUN_DONE)
		work(t);
	else
		give_up(t);
}

static void
connected(struct task *t, int fd)
{
	struct import_run_options o = {.account = session_account(),
		.id = t->id,
		.secret = slice_new(t->secret, t->secret_len),
		.message_max = session_append_limit()};
	CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)1 << 20);
	struct import_job job;
	int err = import_load(o.account, t->id, &arena, &job);

	if (!err)
		err = import_run_new(&o, &t->run);
	if (err) {
		close(fd);
		task_drop(t);
		return;
	}
	t->stream = stream_new(session_loop(), fd, &stream_ops, t);
	if (!t->stream) {
		import_run_fail(t->run, IMPORT_FAILED, SLICE_NONE);
		settle(t);
		return;
	}
	heard(t);
	if (!job.starttls)
		start_tls(t);
	settle(t);
}

/* ---- Lookup ---- */

static void
on_dial_timeout(void *ctx)
{
	failed(ctx, IMPORT_TIMEOUT);
}

static void
dial(struct task *t, enum dial_kind kind, struct slice host, uint16_t port)
{
	struct msg_dial m = {
		.id = ++si.next_dial, .kind = (uint8_t)kind, .port = port, .host = host};

	t->dial = m.id;
	if (loop_timer_set(session_loop(), &t->timer, DIAL_MS, on_dial_timeout, t) ||
		session_dial(&m))
		failed(t, IMPORT_FAILED);
}

static enum import_error
dial_error(int err)
{
	static const struct {
		int err;
		enum import_error why;
	} known[] = {{LL_ERR_NOTFOUND, IMPORT_NO_NAME}, {LL_ERR_DENIED, IMPORT_PRIVATE},
		{LL_ERR_CLOSED, IMPORT_CONNECTION_REFUSED}, {LL_ERR_LIMIT, IMPORT_TOO_MANY}};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].err == err)
			return known[i].why;
	return IMPORT_TIMEOUT;
}

/* The owner is shown which server was found, and gives the password then: the DNS alone shall not
 * say who gets it (RFC 6186 section 6). */
static void
found(struct task *t, const struct msg_dialled *m)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)1 << 20);
	struct import_job job;
	int err = import_load(session_account(), t->id, &arena, &job);

	job.host = m->host;
	job.port = m->port ? m->port : 993;
	job.starttls = false;
	job.error = m->err || import_check(&job) ? IMPORT_NO_SERVER : IMPORT_NO_ERROR;
	if (job.error)
		job.host = SLICE_NONE;
	if (err || import_store(session_account(), t->id, &job))
		log_warn("import", "error=not-stored");
	task_drop(t); /* clients look later */
}

void
session_import_dialled(const struct msg_dialled *m, int fd)
{
	struct task *t = si.tasks;

	while (t && t->dial != m->id)
		t = t->next;
	if (!t || !m->id) {
		fd_close(&fd);
		return;
	}
	t->dial = 0;
	loop_timer_stop(session_loop(), &t->timer);
	if (t->state == JMAP_IMPORT_FINDING) {
		fd_close(&fd);
		found(t, m);
	} else if (m->err || fd < 0) {
		fd_close(&fd);
		failed(t, dial_error(-(int)m->err));
	} else {
		connected(t, fd);
	}
}

/* ---- What is to be done ---- */

static void
find_server(struct task *t, const struct import_job *job)
{
	size_t at = slice_rfind_byte(job->user, '@');
	struct slice domain = slice_skip(job->user, at == SLICE_NPOS ? job->user.len : at + 1);

	t->state = JMAP_IMPORT_FINDING;
	if (domain.len && domain.len <= IMPORT_HOST_MAX)
		dial(t, DIAL_FIND, domain, 0);
	else
		failed(t, IMPORT_NO_SERVER);
}

/* Begins what the job as it stands asks for. A password that nothing will ask for is forgotten. */
static void
work(struct task *t)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)1 << 20);
	struct import_job job;

	task_stop(t);
	if (import_load(session_account(), t->id, &arena, &job) || job.phase == IMPORT_FINISHED) {
		task_drop(t);
	} else if (job.phase == IMPORT_NEW && !job.host.len && job.error != IMPORT_NO_SERVER) {
		forget_secret(t);
		find_server(t, &job);
	} else if (!t->secret) {
		task_drop(t);
	} else if (job.host.len && (job.phase == IMPORT_NEW || job.phase == IMPORT_ACTIVE)) {
		snprintf(t->host, sizeof(t->host), "%.*s", SLICE_ARG(job.host));
		t->state = JMAP_IMPORT_CONNECTING;
		dial(t, DIAL_CONNECT, job.host, job.port);
	}
}

static void
on_changed(void *ctx, struct store_id id)
{
	struct task *t = task_get(id);

	if (!t)
		return;
	t->tries = 0;
	work(t);
}

static int
on_secret(void *ctx, struct store_id id, struct slice secret)
{
	struct task *t = task_get(id);

	if (!t || secret.len >= SECRET_SIZE)
		return t ? LL_ERR_LIMIT : LL_ERR_NOMEM;
	task_stop(t);
	if (!t->secret)
		t->secret = secret_alloc(SECRET_SIZE);
	if (!t->secret)
		return LL_ERR_NOMEM;
	memcpy(t->secret, secret.ptr, secret.len);
	t->secret_len = secret.len;
	t->tries = 0;
	work(t);
	return LL_OK;
}

static enum jmap_import_state
on_state(void *ctx, struct store_id id)
{
	const struct task *t = task_find(id);

	return t ? t->state : JMAP_IMPORT_IDLE;
}

const struct jmap_import session_import = {
	.changed = on_changed, .secret = on_secret, .state = on_state};

void
session_import_prepare(const char *ca_file)
{
	si.cas = trust_read(ca_file, "import", "mail-from-other-servers");
}
