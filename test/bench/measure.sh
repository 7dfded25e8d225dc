# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # the variables named next, and those of benches.sh
# How the benches measure; sourced by run, which sets rounds, seconds, scale,
# work, server, bench_dir.
#
# An arm is a pgbench script with its clients; "rounds" runs the declared arms
# in turn, and "ratio" compares two of them round by round, so that a machine
# that is slower for a minute is slower for both.

declare -a arms=()
declare -A arm_label=() arm_db=() arm_clients=() arm_options=() arm_scripts=() arm_env=()
declare -A run_rate=() run_wal=() run_server_us=() run_client_us=() run_calls=()
bench='' max_cells_now='' postmaster='' calls_are=call warm_seconds=1

# sql DATABASE [psql options]: runs standard input or -c, prints bare values
sql() {
	local db=$1

	shift
	psql -XAtq -v ON_ERROR_STOP=1 -d "$db" "$@"
}

# calc EXPRESSION: as awk understands it
calc() {
	awk "BEGIN { printf \"%.6g\", ($1) }"
}

# integer EXPRESSION
integer() {
	awk "BEGIN { printf \"%d\", ($1) }"
}

median() {
	printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 }
		END { printf "%.6g", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# csv_line FILE FIELD...
csv_line() {
	local file=$work/$1 line='' field

	shift
	for field; do
		line+=",\"${field//\"/\"\"}\""
	done
	printf '%s\n' "${line:1}" >>"$file"
}

# ---- the server

# use_server MAX_CELLS: (re)starts it when it does not have that many
use_server() {
	[ "$max_cells_now" != "$1" ] || return 0
	if [ -n "$max_cells_now" ]; then
		"$root/tools/cluster" stop "$server"
	fi
	"$root/tools/cluster" start "$server" "$bench_dir/cluster.conf" \
		"shared_buffers=${shared_buffers_mb}MB" "pg_retail.max_cells=$1"
	eval "$("$root/tools/cluster" env "$server")"
	postmaster=$(head -n 1 "$server/data/postmaster.pid")
	max_cells_now=$1
}

# restart_server: with the same settings, and no cell loaded
restart_server() {
	local cells=$max_cells_now

	"$root/tools/cluster" stop "$server"
	max_cells_now=
	use_server "$cells"
}

# make_database NAME SKUS LOCATIONS: with the extension, the reference tables,
# and master data; no stock
make_database() {
	sql postgres -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" -c "CREATE DATABASE $1" 2>/dev/null
	sql "$1" -o /dev/null <<-'EOF'
		SET client_min_messages = warning;
		CREATE EXTENSION pg_retail CASCADE;
		SELECT retail.init();
	EOF
	section tables | sql "$1"
	sql "$1" -v skus="$2" -v locations="$3" -f "$bench_dir/sql/seed.sql"
}

# stock DATABASE FROM_SKU TO_SKU LOCATIONS ON_HAND
stock() {
	sql "$1" -o /dev/null -v from_sku="$2" -v to_sku="$3" -v locations="$4" -v on_hand="$5" \
		-f "$bench_dir/sql/seed_stock.sql"
}

# copy_database NAME TEMPLATE
copy_database() {
	sql postgres -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" -c "CREATE DATABASE $1 TEMPLATE $2" 2>/dev/null
}

drop_database() {
	sql postgres -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)"
}

# load_cells DATABASE FROM_SKU TO_SKU LOCATIONS
load_cells() {
	local misfits

	misfits=$(sql "$1" -v from_sku="$2" -v to_sku="$3" -v locations="$4" -f "$bench_dir/sql/load_cells.sql" |
		awk '{ n += $1 } END { print n + 0 }')
	[ "$misfits" -eq 0 ] || die "$misfits cells of $1 could not be loaded"
}

# settle DATABASE: nothing left over from loading
settle() {
	sql "$1" -c 'VACUUM (ANALYZE)' -c CHECKPOINT
}

# fresh_small: the database of the small benches, 1,000 SKUs in 10 locations
# with stock that never runs out, as new
fresh_small() {
	use_server "$usual_cells"
	if [ "$(sql postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'small'")" -eq 0 ]; then
		make_database small 1000 10
		stock small 1 1000 10 1000000000000
		settle small
	fi
	copy_database bench small
	settle bench
}

# ---- what a run costs

# CPU of the whole server in clock ticks: the postmaster, its living children
# and those it has seen end.
server_ticks() {
	local pids

	mapfile -t pids < <(ps -o pid= --ppid "$postmaster" | tr -d ' ')
	{
		cat "/proc/$postmaster/stat"
		# one of them may be gone by now
		(cd /proc && cat "${pids[@]/%//stat}" 2>/dev/null) || true
	} | awk '{ sub(/^.*\) /, ""); t += $12 + $13; if (NR == 1) t += $14 + $15 } END { print t }'
}

# the clients' backends end a moment after the clients
wait_for_backends() {
	while ps -o args= --ppid "$postmaster" | grep -q '\[local\]'; do
		sleep 0.02
	done
}

# meter_start: from now on; a run that has just ended has settled before
meter_start() {
	read -r lsn_before fpi_before < <(sql postgres -F ' ' -c \
		"SELECT pg_current_wal_insert_lsn() - '0/0', wal_fpi FROM pg_stat_wal")
	ticks_before=$(server_ticks)
	metered_from=$EPOCHREALTIME
}

# meter_stop CALLS: sets wal_bytes, wal_fpi, server_us, each per call
meter_stop() {
	local ticks lsn fpi

	wait_for_backends
	ticks=$(server_ticks)
	read -r lsn fpi < <(sql postgres -F ' ' -c \
		"SELECT pg_current_wal_insert_lsn() - '0/0', wal_fpi FROM pg_stat_wal")
	wal_bytes=$(calc "($lsn - $lsn_before) / $1")
	wal_fpi=$(calc "($fpi - $fpi_before) / $1")
	server_us=$(calc "($ticks - $ticks_before) * 1e6 / $(getconf CLK_TCK) / $1")
}

# ---- arms

# section NAME: that part of reference.sql
section() {
	awk -v want="$1" '/^---- section: / { on = $3 == want; next } on' "$bench_dir/reference.sql"
}

# piece NAME: a file of sql/, or a section of reference.sql
piece() {
	if [ -e "$bench_dir/sql/$1.sql" ]; then
		cat "$bench_dir/sql/$1.sql"
	else
		section "$1" | grep . || die "no piece \"$1\""
	fi
}

# begin NAME TITLE
begin() {
	bench=$1
	arms=()
	calls_are=call
	warm_seconds=1
	run_rate=() run_wal=() run_server_us=() run_client_us=() run_calls=()
	printf '\n== %s: %s\n' "$1" "$2"
}

# arm NAME LABEL CLIENTS PIECE...: declares one; its database is "bench"
arm() {
	local name=$1 script

	script=$work/script/$bench.$name.sql
	arms+=("$name")
	arm_label[$name]=$2
	arm_clients[$name]=$3
	arm_db[$name]=bench
	arm_options[$name]=
	arm_env[$name]=
	shift 3
	for part; do
		piece "$part"
	done >"$script"
	arm_scripts[$name]="-f $script"
}

# run_arm NAME ROUND [pgbench options]: by default for so many seconds, after
# warm_seconds in which the sessions connect and fill their caches.  Round 0
# warms the tables up and is not recorded.
run_arm() {
	local name=$1 round=$2 clients=${arm_clients[$1]} window=() calls rate all user system running metered metered_calls

	shift 2
	if [ $# -eq 0 ]; then
		window=("$warm_seconds")
		set -- -P 1 -T $((warm_seconds + (round > 0 ? seconds : 0)))
	fi
	: >"$work/pgbench.err"
	meter_start
	# the options are lists of words
	# shellcheck disable=SC2086
	{
		TIMEFORMAT='%U %S'
		time env ${arm_env[$name]} pgbench -n -M prepared -c "$clients" -j "$((clients < cores ? clients : cores))" \
			"$@" ${arm_options[$name]} ${arm_scripts[$name]} "${arm_db[$name]}" >"$work/pgbench.out" 2>"$work/pgbench.err" ||
			true
	} 2>"$work/pgbench.time" &
	running=$!
	if [ ${#window[@]} -gt 0 ] && [ "$round" -gt 0 ]; then
		while kill -0 "$running" 2>/dev/null && ! progress_after "${window[0]}" >/dev/null; do
			sleep 0.02
		done
		meter_start
	fi
	wait "$running"
	metered=$(calc "$EPOCHREALTIME - $metered_from")
	all=$(sed -n 's/^number of transactions actually processed: \([1-9][0-9]*\).*/\1/p' "$work/pgbench.out")
	all=${all:-0}
	if [ ${#window[@]} -gt 0 ] && [ "$round" -gt 0 ]; then
		read -r calls rate < <(progress_after "${window[0]}" || echo 0 0)
		# on a busy machine pgbench may skip the lines: then the whole run counts
		if [ "$calls" -eq 0 ]; then
			calls=$all
			rate=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$work/pgbench.out")
			rate=${rate:-0}
		fi
		# the meters began a moment after the line they waited for
		metered_calls=$(calc "$rate * $metered")
	else
		calls=$all metered_calls=$all
		rate=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$work/pgbench.out")
	fi
	if grep -q 'aborted' "$work/pgbench.err" || [ -z "$rate" ] || [ "$calls" -eq 0 ]; then
		figure "WRONG: ${arm_label[$name]} failed" 1 '<= 0' "$(grep -m 1 error "$work/pgbench.err" || true)"
		rate=0 calls=1 metered_calls=1 all=1
	fi
	meter_stop "$metered_calls"
	[ "$round" -gt 0 ] || return 0
	read -r user system < <(tail -n 1 "$work/pgbench.time")
	run_calls[$name]=$((${run_calls[$name]:-0} + all))
	run_rate[$name,$round]=$rate
	run_wal[$name,$round]=$wal_bytes
	run_server_us[$name,$round]=$server_us
	run_client_us[$name,$round]=$(calc "($user + $system) * 1e6 / $all")
	csv_line runs.csv "$bench" "$name" "$clients" "$round" "$calls" "$rate" \
		"$(calc "$rate > 0 ? $clients * 1000 / $rate : 0")" "$wal_bytes" "$wal_fpi" "$server_us" "${run_client_us[$name,$round]}"
}

# progress_after SECONDS: calls, and calls per second, from that progress line
# to the last; fails while there is no such line
progress_after() {
	awk -v from="$1" '/^progress:/ {
			if (start == "") { if ($2 >= from) start = $2 }
			else { calls += $4 * ($2 - last) }
			last = $2
		}
		END {
			if (start == "") exit 1
			if (last > start) rate = calls / (last - start)
			printf "%d %.1f\n", calls, rate
		}' "$work/pgbench.err"
}

# rounds [pgbench options]: warms every arm up, unless in a hurry, then runs
# them in turn
rounds() {
	local first=0 round name

	[ -z "${QUICK:-}" ] || first=1
	for ((round = first; round <= rounds; round++)); do
		for name in "${arms[@]}"; do
			run_arm "$name" "$round" "$@"
		done
	done
	table
}

# of NAME SERIES: the values of all rounds
of() {
	local -n series=run_$2
	local round

	for ((round = 1; round <= rounds; round++)); do
		echo "${series[$1,$round]:-0}"
	done
}

# median_of NAME SERIES
median_of() {
	local all

	mapfile -t all < <(of "$1" "$2")
	median "${all[@]}"
}

table() {
	local name rate

	printf '   %-34s %7s %11s %9s %9s %9s %9s\n' "median of $rounds rounds" clients "${calls_are}s/s" "ms/$calls_are" \
		"WAL bytes" "server us" "client us"
	for name in "${arms[@]}"; do
		rate=$(median_of "$name" rate)
		printf '   %-34s %7d %11.0f %9.3f %9.0f %9.1f %9.1f\n' "${arm_label[$name]}" "${arm_clients[$name]}" "$rate" \
			"$(calc "$rate > 0 ? ${arm_clients[$name]} * 1000 / $rate : 0")" "$(median_of "$name" wal)" \
			"$(median_of "$name" server_us)" "$(median_of "$name" client_us)"
	done
}

# ratios NAME OTHER [SERIES]: round by round
ratios() {
	local round
	local -n series=run_${3:-rate}

	for ((round = 1; round <= rounds; round++)); do
		calc "${series[$2,$round]:-0} > 0 ? ${series[$1,$round]:-0} / ${series[$2,$round]:-1} : 0"
		echo
	done
}

# ratio NAME OTHER BOUND LABEL [SERIES]: median of the pairwise ratios against
# a bound like ">= 1.0" or "-"
ratio() {
	local all

	mapfile -t all < <(ratios "$1" "$2" "${5:-rate}")
	figure "$4" "$(median "${all[@]}")" "$3" "rounds: $(printf '%.2f ' "${all[@]}")"
}

# figure LABEL VALUE BOUND [NOTE]: prints and records; a bound is ">= X",
# "<= X", or "-" for none
figure() {
	local verdict='' bound=$3

	if [ "$bound" != - ]; then
		verdict=$(awk "BEGIN { print ($2 $bound) ? \"PASS\" : \"MISS\" }")
	fi
	printf '   %-64s %9.4g   %-9s %-4s %s\n' "$1" "$2" "${bound#-}" "$verdict" "${4:+($4)}"
	csv_line figures.csv "$bench" "$1" "$2" "$bound" "$verdict" "${4:-}"
	printf '%s\t%s\t%s\t%s\t%s\n' "$bench" "$1" "$2" "$bound" "$verdict" >>"$work/figures.tsv"
}

# timed DATABASE UNITS [psql options]: runs it once, sets elapsed (seconds) and
# the meters per unit
timed() {
	local db=$1 units=$2 from

	shift 2
	meter_start
	from=$EPOCHREALTIME
	sql "$db" -o /dev/null "$@"
	elapsed=$(calc "$EPOCHREALTIME - $from")
	meter_stop "$units"
}

# timed_run NAME ROUND DATABASE UNITS [psql options]: the same as a run of an
# arm, whose rate is units per second
timed_run() {
	local name=$1 round=$2 units=$4

	shift 2
	timed "$@"
	run_rate[$name,$round]=$(calc "$units / $elapsed")
	run_wal[$name,$round]=$wal_bytes
	run_server_us[$name,$round]=$server_us
	run_client_us[$name,$round]=0
	csv_line runs.csv "$bench" "$name" 1 "$round" "$units" "${run_rate[$name,$round]}" \
		"$(calc "$elapsed * 1000")" "$wal_bytes" "$wal_fpi" "$server_us" 0
}

# timed_arm NAME LABEL: declares what timed_run fills in
timed_arm() {
	arms+=("$1")
	arm_label[$1]=$2
	arm_clients[$1]=1
}

# check LABEL VALUE: must be zero, whatever is being measured
check() {
	if [ "$2" != 0 ]; then
		figure "WRONG: $1" "$2" "<= 0"
	fi
}

# check_verify DATABASE: nothing may be wrong with it now
check_verify() {
	check "differences shown by verify() afterwards" "$(sql "$1" -c 'SELECT count(*) FROM retail.verify()')"
}

# ---- settings and summary

settings() {
	local name value us

	cores=$(nproc)
	shared_buffers_mb=$(awk '/^MemTotal/ { m = int($2 / 4096); print (m > 6144 ? 6144 : m) }' /proc/meminfo)
	csv_line runs.csv bench arm clients round calls calls_per_s ms_per_call wal_bytes_per_call wal_fpi_per_call \
		server_cpu_us_per_call client_cpu_us_per_call
	csv_line figures.csv bench figure measured required verdict note
	csv_line settings.csv name value
	: >"$work/figures.tsv"
	use_server "$usual_cells"
	us=$(pgbench -n -M prepared -c 1 -T 2 -f <(section wal_record) -D payload=100 postgres 2>/dev/null |
		sed -n 's/^latency average = \([0-9.]*\) ms/\1/p')
	{
		echo "date|$(date -u +%FT%TZ)"
		echo "pg_retail|$(sql postgres -c "SELECT default_version FROM pg_available_extensions WHERE name = 'pg_retail'"), ${BENCH_VERSION:-}"
		echo "machine|$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | sort | uniq -c | sed 's/^ *\([0-9]*\) /\1 x /')"
		echo "memory|$(awk '/^MemTotal/ { printf "%.1f GB", $2 / 1048576 }' /proc/meminfo)"
		echo "kernel|$(uname -sr)"
		echo "filesystem|$(df --output=fstype,source "$server" | tail -n 1 | tr -s ' ')"
		echo "commit of one small record, one client|$us ms"
		echo "load average at the start|$(cut -d ' ' -f 1-3 /proc/loadavg)"
		echo "server|$(sql postgres -c 'SELECT version()')"
		echo "pgbench|$(pgbench --version), -M prepared, unix socket, $cores threads"
		sql postgres -F '|' -c "SELECT name, current_setting(name) FROM pg_settings
			WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'wal_sync_method', 'shared_buffers',
				'huge_pages', 'max_connections', 'max_wal_size', 'checkpoint_timeout', 'autovacuum', 'jit',
				'shared_preload_libraries') OR name LIKE 'pg\_retail.%' ORDER BY name"
		echo "rounds, seconds, scale|$rounds, $seconds, $scale"
		echo "CPU|of the whole server (every process of it) and of pgbench, user + system, per call"
		echo "WAL|pg_current_wal_insert_lsn() after minus before, per call"
	} | while IFS='|' read -r name value; do
		printf '%-40s %s\n' "$name" "$value"
		csv_line settings.csv "$name" "$value"
	done
}

summary() {
	printf '\n== summary\n'
	awk -F '\t' '{ printf "   %-10s %-64s %9.4g   %-9s %s\n", $1, $2, $3, $4 == "-" ? "" : $4, $5
		n[$5]++ } END { printf "\n%d figures met, %d missed, %d without a bound\n", n["PASS"], n["MISS"], n[""] }' "$work/figures.tsv"
}
