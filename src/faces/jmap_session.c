/* The session object, the tables of methods and capabilities, and states for push. */
#include "faces/jmap_priv.h"

#include "account/importing.h"
#include "account/rule.h"
#include "account/snooze.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

static enum jmap_error
core_echo(struct jmap_call *c)
{
	jo_json(&c->o, c->args);
	return JMAP_OK;
}

static const struct jmap_method core_methods[] = {
	{"Core/echo", NULL, JMAP_CAP_CORE, core_echo, true}, {NULL}};

static const struct jmap_method *const tables[] = {core_methods, jmap_mailbox_methods,
	jmap_thread_methods, jmap_email_methods, jmap_email_set_methods, jmap_blob_methods,
	jmap_identity_methods, jmap_quota_methods, jmap_submission_methods, jmap_rule_methods,
	jmap_push_methods, jmap_import_methods, jmap_settings_methods, jmap_mdn_methods};

static const struct jmap_method *
table_find(const struct jmap_method *m, struct slice name)
{
	for (; m->name; m++)
		if (slice_eq(name, slice_str(m->name)))
			return m;
	return NULL;
}

const struct jmap_method *
jmap_method_find(const struct jmap *j, struct slice name)
{
	const struct jmap_method *m = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(tables) && !m; i++)
		m = table_find(tables[i], name);
	for (size_t i = 0; i < j->env.n_more && !m; i++)
		m = table_find(j->env.more[i], name);
	return m;
}

/* ---- Capabilities ---- */

static void
put_limit(struct json_out *o, const char *name, uint64_t v)
{
	jo_key(o, name);
	jo_uint(o, v);
}

static void
cap_core(struct jmap *j, struct json_out *o)
{
	put_limit(o, "maxSizeUpload", JMAP_UPLOAD_MAX);
	put_limit(o, "maxConcurrentUpload", JMAP_CONCURRENT_UPLOAD);
	put_limit(o, "maxSizeRequest", JMAP_REQUEST_MAX);
	put_limit(o, "maxConcurrentRequests", JMAP_CONCURRENT_REQUESTS);
	put_limit(o, "maxCallsInRequest", JMAP_CALLS_MAX);
	put_limit(o, "maxObjectsInGet", JMAP_GET_MAX);
	put_limit(o, "maxObjectsInSet", JMAP_SET_MAX);
	jo_key(o, "collationAlgorithms");
	jo_raw(o, S("[\"i;unicode-casemap\"]"));
}

/* 57 octets become a line of 78 in base64; a sixteenth is left for header fields and texts. */
uint64_t
jmap_attachments_max(const struct jmap *j)
{
	uint64_t room = j->env.message_max - j->env.message_max / 16;

	return MIN(room / 78 * 57, (uint64_t)JMAP_UPLOAD_MAX);
}

static void
cap_mail(struct jmap *j, struct json_out *o)
{
	put_limit(o, "maxMailboxesPerEmail", EMAIL_MAILBOXES_MAX);
	put_limit(o, "maxMailboxDepth", MAILBOX_DEPTH_MAX);
	put_limit(o, "maxSizeMailboxName", MAILBOX_NAME_MAX);
	put_limit(o, "maxSizeAttachmentsPerEmail", jmap_attachments_max(j));
	jo_key(o, "emailQuerySortOptions");
	jo_raw(o,
		S("[\"receivedAt\",\"sentAt\",\"size\",\"from\",\"to\",\"subject\",\"hasKeyword\","
		  "\"allInThreadHaveKeyword\",\"someInThreadHaveKeyword\"]"));
	jo_key(o, "mayCreateTopLevelMailbox");
	jo_bool(o, true);
}

static void
cap_blob(struct jmap *j, struct json_out *o)
{
	put_limit(o, "maxSizeBlobSet", JMAP_UPLOAD_MAX);
	put_limit(o, "maxDataSources", 64);
	jo_key(o, "supportedTypeNames");
	jo_raw(o, S("[\"Email\",\"Mailbox\",\"Thread\"]"));
	jo_key(o, "supportedDigestAlgorithms");
	jo_raw(o, S("[\"sha-256\",\"sha-512\"]"));
}

/* Identities belong to it even where nothing can be submitted. */
static void
cap_submission(struct jmap *j, struct json_out *o)
{
	put_limit(o, "maxDelayedSend", j->env.outbound ? (uint64_t)OUTBOUND_HOLD_MAX : 0);
	jo_key(o, "submissionExtensions");
	jo_raw(o, j->env.outbound ? S("{\"FUTURERELEASE\":[\"31622400\"]}") : S("{}"));
}

/* RFC 9749. */
static void
cap_vapid(struct jmap *j, struct json_out *o)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(128);

	if (!j->env.push || !j->env.push->key.len)
		return;
	base64url_encode(&key, j->env.push->key);
	jo_key(o, "applicationServerKey");
	jo_slice(o, buf_slice(&key));
}

static void
cap_snooze(struct jmap *j, struct json_out *o)
{
	put_limit(o, "maxSnoozed", SNOOZES_MAX);
}

static void
cap_rules(struct jmap *j, struct json_out *o)
{
	put_limit(o, "maxRules", RULES_MAX);
	put_limit(o, "maxConditions", RULE_CONDITIONS_MAX);
	put_limit(o, "maxKeywords", RULE_KEYWORDS_MAX);
}

static void
cap_import(struct jmap *j, struct json_out *o)
{
	put_limit(o, "maxJobs", j->env.import ? IMPORTS_MAX : 0);
	put_limit(o, "maxFolders", IMPORT_FOLDERS_MAX);
}

static void
cap_settings(struct jmap *j, struct json_out *o)
{
	put_limit(o, "maxParts", SETTINGS_PARTS_MAX);
	put_limit(o, "maxSizePart", SETTINGS_PART_MAX);
	put_limit(o, "maxSizeTotal", SETTINGS_TOTAL_MAX);
}

static const struct {
	const char *name;
	void (*session)(struct jmap *j, struct json_out *o);
	void (*account)(struct jmap *j, struct json_out *o);
	bool in_account;
} caps[] = {
	{JMAP_CAP_CORE, cap_core, NULL, false},
	{JMAP_CAP_MAIL, NULL, cap_mail, true},
	{JMAP_CAP_VACATION, NULL, NULL, true},
	{JMAP_CAP_BLOB, NULL, cap_blob, true},
	{JMAP_CAP_QUOTA, NULL, NULL, true},
	{JMAP_CAP_SUBMISSION, NULL, cap_submission, true},
	{JMAP_CAP_MDN, NULL, NULL, true},
	{JMAP_CAP_RULES, NULL, cap_rules, true},
	{JMAP_CAP_SNOOZE, NULL, cap_snooze, true},
	{JMAP_CAP_IMPORT, NULL, cap_import, true},
	{JMAP_CAP_SETTINGS, NULL, cap_settings, true},
	{JMAP_CAP_VAPID, cap_vapid, NULL, false},
};

bool
jmap_capability_known(const struct jmap *j, struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
		if (slice_eq(name, slice_str(caps[i].name)))
			return true;
	for (size_t i = 0; i < j->env.n_more_capabilities; i++)
		if (slice_eq(name, j->env.more_capabilities[i]))
			return true;
	return slice_eq(name, S(JMAP_CAP_WEBSOCKET));
}

static void
put_websocket(struct json_out *o, struct slice origin)
{
	CLEANUP(buf_done) struct buf url = BUF_INIT(4096);

	buf_puts(&url, slice_starts(origin, S("https")) ? "wss" : "ws");
	buf_put(&url, slice_skip(origin, slice_starts(origin, S("https")) ? 5 : 4));
	buf_puts(&url, "/jmap/ws");
	jo_key(o, JMAP_CAP_WEBSOCKET);
	jo_open(o, '{');
	jo_key(o, "url");
	jo_slice(o, buf_slice(&url));
	jo_key(o, "supportsPush");
	jo_bool(o, true);
	jo_close(o, '}');
}

static void
put_capabilities(struct jmap *j, struct json_out *o, struct slice origin, bool account)
{
	jo_open(o, '{');
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		if (account && !caps[i].in_account)
			continue;
		jo_key(o, caps[i].name);
		jo_open(o, '{');
		if (account && caps[i].account)
			caps[i].account(j, o);
		else if (!account && caps[i].session)
			caps[i].session(j, o);
		jo_close(o, '}');
	}
	for (size_t i = 0; i < j->env.n_more_capabilities; i++) {
		jo_key_slice(o, j->env.more_capabilities[i]);
		jo_raw(o, S("{}"));
	}
	if (!account)
		put_websocket(o, origin);
	jo_close(o, '}');
}

static void
put_accounts(struct jmap *j, struct json_out *o, struct slice origin)
{
	jo_key(o, "accounts");
	jo_open(o, '{');
	jo_key(o, j->account_id);
	jo_open(o, '{');
	jo_key(o, "name");
	jo_slice(o, j->env.n_addresses ? j->env.addresses[0] : S(""));
	jo_key(o, "isPersonal");
	jo_bool(o, true);
	jo_key(o, "isReadOnly");
	jo_bool(o, false);
	jo_key(o, "accountCapabilities");
	put_capabilities(j, o, origin, true);
	jo_close(o, '}');
	jo_close(o, '}');
	jo_key(o, "primaryAccounts");
	jo_open(o, '{');
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		if (!caps[i].in_account)
			continue;
		jo_key(o, caps[i].name);
		jo_str(o, j->account_id);
	}
	jo_close(o, '}');
}

static void
put_url(struct json_out *o, const char *name, struct slice origin, const char *path)
{
	CLEANUP(buf_done) struct buf url = BUF_INIT(4096);

	buf_put(&url, origin);
	buf_puts(&url, path);
	jo_key(o, name);
	jo_slice(o, buf_slice(&url));
}

int
jmap_session(struct jmap *j, struct slice origin, struct buf *out)
{
	struct json_out o = {.b = out};

	jo_open(&o, '{');
	jo_key(&o, "capabilities");
	put_capabilities(j, &o, origin, false);
	put_accounts(j, &o, origin);
	jo_key(&o, "username");
	jo_slice(&o, j->env.n_addresses ? j->env.addresses[0] : S(""));
	put_url(&o, "apiUrl", origin, "/jmap/api");
	put_url(&o, "downloadUrl", origin,
		"/jmap/download/{accountId}/{blobId}/{name}?type={type}");
	put_url(&o, "uploadUrl", origin, "/jmap/upload/{accountId}");
	put_url(&o, "eventSourceUrl", origin,
		"/jmap/events?types={types}&closeafter={closeafter}&ping={ping}");
	jo_key(&o, "state");
	jo_str(&o, j->session_state);
	jo_close(&o, '}');
	return buf_err(out);
}

/* ---- Push ---- */

static const char *const type_names[CHANGE_TYPES] = {[CHANGE_MAILBOX] = "Mailbox",
	[CHANGE_EMAIL] = "Email",
	[CHANGE_THREAD] = "Thread",
	[CHANGE_DELIVERY] = "EmailDelivery",
	[CHANGE_IDENTITY] = "Identity",
	[CHANGE_VACATION] = "VacationResponse",
	[CHANGE_SUBMISSION] = "EmailSubmission",
	[CHANGE_RULES] = "Rule",
	[CHANGE_SETTINGS] = "ClientSettings",
	[CHANGE_IMPORT] = "ImportJob"};

uint32_t
jmap_push_types(struct slice names)
{
	uint32_t mask = 0;

	while (names.len) {
		struct slice name = slice_trim(slice_split(&names, ','));
		if (slice_eq(name, S("*")))
			return JMAP_PUSH_ALL;
		for (int i = 0; i < CHANGE_TYPES; i++)
			if (type_names[i] && slice_eq(name, slice_str(type_names[i])))
				mask |= 1u << i;
	}
	return mask;
}

void
jmap_states_now(const struct jmap *j, struct jmap_states *ret)
{
	for (int i = 0; i < CHANGE_TYPES; i++)
		ret->at[i] = account_state(j->env.account, (enum change_type)i);
}

static bool
type_due(const struct jmap *j, uint32_t types, const struct jmap_states *told, int i)
{
	return type_names[i] && (types & 1u << i) &&
		told->at[i] != account_state(j->env.account, (enum change_type)i);
}

int
jmap_push_state_put(const struct jmap_states *s, struct buf *out)
{
	for (int i = 0; i < CHANGE_TYPES; i++)
		buf_printf(out, "%s%llu", i ? "." : "", (unsigned long long)s->at[i]);
	return buf_err(out);
}

static void
put_push_state(const struct jmap *j, struct json_out *o)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(1024);
	struct jmap_states now;

	jmap_states_now(j, &now);
	jmap_push_state_put(&now, &text);
	jo_key(o, "pushState");
	jo_slice(o, buf_slice(&text));
}

static bool
push_state_parse(struct slice text, struct jmap_states *ret)
{
	struct jmap_states s;

	for (int i = 0; i < CHANGE_TYPES; i++)
		if (slice_u64(slice_split(&text, '.'), UINT64_MAX / 2, &s.at[i]))
			return false;
	if (text.len)
		return false;
	*ret = s;
	return true;
}

void
jmap_states_since(const struct jmap *j, struct slice text, struct jmap_states *ret)
{
	jmap_states_now(j, ret);
	if (text.len && !push_state_parse(text, ret))
		*ret = (struct jmap_states){{0}};
}

bool
jmap_state_change(
	struct jmap *j, uint32_t types, bool push_state, struct jmap_states *told, struct buf *out)
{
	struct json_out o = {.b = out};
	bool due = false;

	for (int i = 0; i < CHANGE_TYPES; i++)
		due |= type_due(j, types, told, i);
	if (!due)
		return false;
	jo_open(&o, '{');
	jo_key(&o, "@type");
	jo_str(&o, "StateChange");
	jo_key(&o, "changed");
	jo_open(&o, '{');
	jo_key(&o, j->account_id);
	jo_open(&o, '{');
	for (int i = 0; i < CHANGE_TYPES; i++)
		if (type_due(j, types, told, i)) {
			jo_key(&o, type_names[i]);
			jmap_put_state(&o, account_state(j->env.account, (enum change_type)i));
		}
	jo_close(&o, '}');
	jo_close(&o, '}');
	if (push_state)
		put_push_state(j, &o);
	jo_close(&o, '}');
	jmap_states_now(j, told);
	return true;
}

/* ---- Making ---- */

/* The session state: a fingerprint of what the session object says. */
static int
session_fingerprint(struct jmap *j)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT((size_t)1 << 20);
	uint64_t h = UINT64_C(14695981039346656037);
	int err = jmap_session(j, SLICE_NONE, &b);

	for (size_t i = 0; i < b.len; i++)
		h = (h ^ b.ptr[i]) * UINT64_C(1099511628211);
	snprintf(j->session_state, sizeof(j->session_state), "%016llx", (unsigned long long)h);
	return err;
}

struct jmap *
jmap_new(const struct jmap_env *env)
{
	struct jmap *j = calloc(1, sizeof(*j));
	size_t seed = 0;

	if (!j || env->random(env->ctx, &seed, sizeof(seed))) {
		free(j);
		return NULL;
	}
	/* Left to itself, jansson opens a file for its seed, which no sandbox of ours permits. Only
	 * the first call counts. */
	json_object_seed(seed | 1);
	j->env = *env;
	jmap_account_id(account_id(env->account), j->account_id);
	if (session_fingerprint(j)) {
		free(j);
		return NULL;
	}
	return j;
}

void
jmap_may_send(struct jmap *j, bool yes)
{
	j->may_not_send = !yes;
}

void
jmap_free(struct jmap *j)
{
	if (j)
		buf_done(&j->aliases);
	free(j);
}
