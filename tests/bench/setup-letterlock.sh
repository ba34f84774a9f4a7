#!/bin/bash
# Letterlock as the subject of a benchmark: a private installation on loopback, with 1000 accounts.
#   setup-letterlock.sh env|version|reset|start|restart-imap|pids|stop
# README.md says what each verb does and which variables change it.
set -eu
T=${BENCH_TMP:-/tmp/mailbench}
D=$T/letterlock
HERE=$(cd "$(dirname "$0")" && pwd)
BIN=${LETTERLOCK:-$HERE/../../build/letterlock}
SMTP=${LL_SMTP:-25025} IMAP=${LL_IMAP:-25143} IMAPS=${LL_IMAPS:-25993}
NUSERS=${BENCH_USERS:-1000}
DOMAIN=bench.test
PASS=BENCHBENCHBENCHBENCHBENCH0 # 26 characters of Crockford base32, like every app password
NAME=${LL_NAME:-letterlock}

ll() { "$BIN" --config "$D/letterlock.conf" "$@"; }

alive() { [ -s "$D/pid" ] && kill -0 "$(cat "$D/pid")" 2>/dev/null; }

wait_port() {
	local i
	for i in $(seq 200); do
		(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
		sleep 0.1
	done
	echo "port $1 does not answer" >&2
	return 1
}

start() {
	[ -s "$D/letterlock.conf" ] || reset
	if ! alive; then
		"$BIN" --config "$D/letterlock.conf" serve < /dev/null >> "$D/log" 2>&1 &
		echo $! > "$D/pid"
	fi
	wait_port "$SMTP"
	wait_port "$IMAP"
}

stop() {
	local p i
	alive || return 0
	p=$(cat "$D/pid")
	kill "$p"
	for i in $(seq 300); do
		kill -0 "$p" 2>/dev/null || return 0
		sleep 0.1
	done
	echo "pid $p does not end" >&2
	return 1
}

# Making 1000 accounts means 1000 sets of keys: done once, kept, and copied.
reset() {
	stop
	if [ -d "$D.empty" ]; then
		rm -rf "$D"
		cp -a "$D.empty" "$D"
		return
	fi
	rm -rf "$D"
	mkdir -p "$D"
	chmod 755 "$D"
	"$BIN" init --dir "$D" --hostname mx.$DOMAIN --self-signed --listen "smtp=127.0.0.1:$SMTP" \
		--listen "imaps=127.0.0.1:$IMAPS" --listen "imap_loopback=127.0.0.1:$IMAP" > "$D/init.log"
	start
	ll domain add $DOMAIN > "$D/dns.log"
	seq -f "user%g@$DOMAIN $PASS" 0 $((NUSERS - 1)) |
		ll account add --batch - --no-password --app-password bench > "$D/accounts.log"
	stop
	cp -a "$D" "$D.empty"
}

case ${1:-} in
env) echo "name=$NAME smtp=$SMTP imap=$IMAP imaps=$IMAPS suffix=@$DOMAIN pass=$PASS data=$D/data" ;;
version) "$BIN" version ;;
reset) reset ;;
start) start ;;
restart-imap) # one program serves both: it is started anew on the same data
	stop
	start
	;;
pids) cat "$D/pid" ;;
stop) stop ;;
wipe)
	stop
	rm -rf "$D" "$D.empty"
	;;
*)
	echo "usage: $0 env|version|reset|start|restart-imap|pids|stop|wipe" >&2
	exit 2
	;;
esac
