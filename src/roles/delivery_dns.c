/* The DNS of delivery: what the checks of a message want to know is asked of lookup, and what has
 * been learnt is remembered for a while, as one sender's letters come in bursts. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "os/clock.h"
#include "roles/delivery.h"
#include "roles/dns_answer.h"

#include <stdlib.h>
#include <string.h>

#define KNOWN_MAX 4096 /* answers */
#define KNOWN_BYTES ((size_t)4 << 20)
#define KNOWN_SECONDS 60u /* at most, however long the answer is good */
#define QUERY_KEY_MAX 260

/* An answer that was had, as lookup sent it. */
struct known {
	int64_t until;
	uint8_t status;
	bool secure;
	uint32_t ttl;
	size_t cname_len, rdata_len;
	uint8_t bytes[]; /* the canonical name, then the records */
};

static struct {
	struct map *answers; /* type and name -> struct known */
	size_t bytes;
} known;

/* --- what is known --- */

static struct slice
query_key(const struct dns_query *q, uint8_t key[QUERY_KEY_MAX])
{
	key[0] = (uint8_t)(q->type >> 8);
	key[1] = (uint8_t)q->type;
	memcpy(key + 2, q->name.ptr, MIN(q->name.len, (size_t)QUERY_KEY_MAX - 2));
	return q->name.len > QUERY_KEY_MAX - 2 ? SLICE_NONE : slice_new(key, 2 + q->name.len);
}

static bool
make_room(size_t bytes)
{
	if (!known.answers || map_len(known.answers) >= KNOWN_MAX ||
		known.bytes + bytes > KNOWN_BYTES) {
		map_free(known.answers, free);
		known.answers = map_new();
		known.bytes = 0;
	}
	return known.answers != NULL;
}

static void
forget(struct slice key)
{
	struct known *k = map_del(known.answers, key);

	if (k)
		known.bytes -= k->cname_len + k->rdata_len;
	free(k);
}

/* Failures are not kept: the next message asks again. */
static void
remember(const struct dns_query *q, const struct msg_dns_answer *m)
{
	uint8_t bytes[QUERY_KEY_MAX];
	struct slice key = query_key(q, bytes);
	size_t len = m->cname.len + m->rdata.len;
	struct known *k;

	if (m->status >= DNS_SERVFAIL || m->ttl == 0 || key.len == 0 || !make_room(len))
		return;
	forget(key);
	k = malloc(sizeof(*k) + len);
	if (!k)
		return;
	*k = (struct known){.until = clock_ms() + (int64_t)MIN(m->ttl, KNOWN_SECONDS) * 1000,
		.status = m->status,
		.secure = m->secure,
		.ttl = m->ttl,
		.cname_len = m->cname.len,
		.rdata_len = m->rdata.len};
	if (m->cname.len)
		memcpy(k->bytes, m->cname.ptr, m->cname.len);
	if (m->rdata.len)
		memcpy(k->bytes + m->cname.len, m->rdata.ptr, m->rdata.len);
	if (map_set(known.answers, key, k, NULL))
		free(k);
	else
		known.bytes += len;
}

/* Answers the query from what is known. */
static bool
recall(struct job *j, const struct dns_query *q)
{
	uint8_t bytes[QUERY_KEY_MAX];
	struct slice key = query_key(q, bytes);
	const struct known *k = known.answers && key.len ? map_get(known.answers, key) : NULL;
	struct msg_dns_answer m;

	if (k && k->until <= clock_ms()) {
		forget(key);
		k = NULL;
	}
	if (!k)
		return false;
	m = (struct msg_dns_answer){.status = k->status,
		.secure = k->secure,
		.ttl = k->ttl,
		.cname = slice_new(k->bytes, k->cname_len),
		.rdata = slice_new(k->bytes + k->cname_len, k->rdata_len)};
	return dns_answer_put(j->memo, q, &m) == LL_OK;
}

/* --- asking --- */

void
job_ask_dns(struct job *j)
{
	struct ipc_channel *lookup = role_peer(dv.env, ROLE_LOOKUP, 0);
	struct dns_query q;

	while (dns_memo_wanted(j->memo, &q)) {
		struct msg_dns_query m = {.id = j->id << 16 | (j->asked.len & 0xffff),
			.type = (uint16_t)q.type,
			.name = q.name};
		if (recall(j, &q))
			continue;
		if (VEC_PUSH(&j->asked, q) || j->dns_over || !lookup ||
			ipc_send_dns_query(lookup, &m, -1)) {
			struct dns_reply failed = {.status = DNS_SERVFAIL};
			if (dns_memo_put(j->memo, &q, &failed))
				log_warn("dns-memo", "error=%s", "full");
		}
	}
}

void
job_dns_failed(struct job *j)
{
	struct dns_reply failed = {.status = DNS_SERVFAIL};

	VEC_EACH (q, &j->asked) /* the first answer stays */
		if (dns_memo_put(j->memo, q, &failed))
			break;
}

void
job_take_dns(struct job *j, size_t number, const struct msg_dns_answer *m)
{
	const struct dns_query *q = &j->asked.at[number];

	remember(q, m);
	if (dns_answer_put(j->memo, q, m))
		log_debug("dns-memo", "error=%s", "full");
}
