/* The fields that protect what a browser is given: which of them every answer has, and which the
 * client's files have besides. A manifest (faces/web_manifest.h) says the same to whoever compares.
 */
#ifndef FACES_WEB_POLICY_H
#define FACES_WEB_POLICY_H

#include "faces/web_link.h"
#include "faces/web_pack.h"

#define WEB_POLICY_FIELDS_MAX 8

/* What every answer has. In the order of their names. */
extern const struct web_header web_policy_common[];
extern const size_t n_web_policy_common;
/* Of pages whose entry has no policy of its own. */
extern const struct slice web_policy_page;

/* What an entry has besides: in the order of their names, as views of the entry and of constants.
 * Nothing of one transfer, such as an etag. */
unsigned web_policy_entry(
	const struct web_pack_entry *e, struct web_header out[WEB_POLICY_FIELDS_MAX]);

/* Whether a browser that says this of itself is of the engine of Safari, as all of iOS are. */
bool web_policy_is_webkit(struct slice agent);
/* Fields that are not for WebKit: version 26 knows integrity-policy, but not that import maps have
 * hashes, and would load no script at all. The hashes themselves it compares like the others. */
bool web_policy_not_for_webkit(struct slice name);

#endif
