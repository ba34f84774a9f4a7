/* letterlock.conf: only what must be known before the store opens. Everything else lives in the
 * store. */
#ifndef OS_CONFIG_H
#define OS_CONFIG_H

#include "base/buf.h"
#include "base/slice.h"
#include "os/roles.h"

#include <sys/socket.h>

#define CONFIG_LISTENERS_MAX 32
#define CONFIG_TEXT_MAX ((size_t)64 << 10)
#define CONFIG_VALUE_MAX 512
#define CONFIG_PORTS_MAX 8

struct config_listener {
	enum service service;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	char text[64]; /* as written, for messages */
};

struct config {
	char hostname[256]; /* [server] hostname: the name in greetings, Received fields and the
			       certificate */
	char web_host[256]; /* [server] web_host: the name under which the web client is opened, to
			       which passkeys are bound; default: hostname */
	char data[CONFIG_VALUE_MAX]; /* [server] data: the store's directory */
	char boot_secret[CONFIG_VALUE_MAX]; /* [server] boot_secret: a file of 32 bytes outside of
					       it, or credential:NAME */
	char control[CONFIG_VALUE_MAX]; /* [server] control: path of the operator's socket */
	char web[CONFIG_VALUE_MAX]; /* [server] web: the web client's file (web.pack); default:
				       beside the program */
	char web_log[CONFIG_VALUE_MAX]; /* [server] web_log: the signed log of its releases
					   (web.log); default: beside the program, if it is there
					 */
	char places[CONFIG_VALUE_MAX]; /* [server] places: the table of countries (places.bin);
					  default: beside the program */
	uint32_t user_base; /* [server] user_base: role number n runs as user and group user_base +
			       n */
	uint32_t frontends,
		deliveries; /* [server] frontends, deliveries: processes; 0: one for each core */
	uint64_t message_size; /* [limits] message_size in bytes */
	uint32_t session_memory; /* [limits] session_memory: MiB that one account's session may fill
				  */
	uint32_t session_linger; /* [limits] session_linger: seconds a session outlives its last
				    connection */
	uint32_t access_token; /* [limits] access_token: seconds that one of OAuth is good for */
	uint32_t oauth_code; /* [limits] authorization_code: seconds for bringing one of OAuth */
	uint32_t hang; /* [limits] hang: seconds after which a process that does not answer the
			  parent is ended and started again; 0: never */
	char certificate[CONFIG_VALUE_MAX],
		key[CONFIG_VALUE_MAX]; /* [tls] certificate, key: PEM files */
	char dns_forward[CONFIG_VALUE_MAX]; /* [dns] forward: address@port of a resolver to ask
					       instead of the root servers */
	char dns_stub[CONFIG_VALUE_MAX]; /* [dns] stub: "ZONE ADDRESS@PORT", several by commas: who
					    to ask about a zone */
	char dns_anchor[CONFIG_VALUE_MAX]; /* [dns] trust_anchor: file of DS or DNSKEY records;
					      default: Debian's root key */
	char ca_file[CONFIG_VALUE_MAX]; /* [tls] ca_file: certificates for HTTPS and PKIX; default:
					   the system's */
	uint16_t relay_port, https_port; /* [relay] port, https_port: 25 and 443, but for tests */
	uint32_t private_fetch; /* [relay] private_fetch: 1 lets pictures and keys be fetched from
				   addresses that are not public, for tests */
	char key_server[CONFIG_VALUE_MAX]; /* [server] key_server: the host that is asked for
					      OpenPGP keys when somebody wants it; "none" */
	char import_ports[CONFIG_VALUE_MAX]; /* [import] ports: where other mail servers may be
						connected to, by commas; default: "993, 143" */
	/* [listen] smtp, submission, submissions, imaps, https: addresses and ports, by commas;
	 * imap_loopback: IMAP without TLS, on loopback addresses only, for programs of the same
	 * machine. */
	struct config_listener listeners[CONFIG_LISTENERS_MAX];
	unsigned n_listeners;
};

/* Parses the file's text. On LL_ERR_SYNTAX or LL_ERR_RANGE ret_error (at least 256 bytes) names
 * line and reason. */
int config_parse(struct slice text, struct config *ret, char *ret_error, size_t error_size) CHECKED;
/* Reads and parses; ret_text (may be NULL) receives the text. LL_ERR_IO, LL_ERR_SYNTAX with
 * ret_error. */
int config_load(const char *path, struct config *ret, struct buf *ret_text, char *ret_error,
	size_t error_size) CHECKED;

const char *service_name(enum service s);

#endif
