# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # variables of run and measure.sh
# The benches, one function each, in the order of the project's list of
# figures; sourced by run.  Each makes its own database, so that none inherits
# the table sizes of another.

# room for a million keys, and a little more than the hash needs
usual_cells=1200000

# row_bytes: what a reservation's row takes in the heap, item pointer included
row_bytes() {
	sql bench -c "SELECT 4 + pg_column_size(r) FROM retail.reservation AS r LIMIT 1"
}

# one_reservation: so that there is a row to measure
one_reservation() {
	sql bench -o /dev/null -c "SELECT * FROM retail.reserve('1', '1', 1, 'app')"
}

# check_rows ARM TABLE: an arm that writes a row per call has written as many
check_rows() {
	local rows

	rows=$(sql bench -c "SELECT count(*) FROM $2")
	check "${arm_label[$1]}: fewer rows than calls" "$((rows < ${run_calls[$1]:-0}))"
}

# ---- one hot SKU

bench_hot64() {
	begin hot64 "one hot SKU, 64 clients"
	fresh_small
	one_reservation
	arm engine 'reserve()' 64 key_hot reserve
	arm insert 'plain INSERT' 64 key_hot plain_insert
	arm unchecked 'plain INSERT, table without CHECKs' 64 key_hot plain_insert_unchecked
	arm best 'best SQL, one CTE statement' 64 key_hot best_reserve
	arm queued 'best SQL behind an advisory lock' 64 key_hot queued_reserve
	arm wal 'bare WAL record of the row'\''s size' 64 wal_record
	arm nothing 'a call that does nothing' 64 nothing
	arm_options[wal]="-D payload=$(row_bytes)"
	rounds
	ratio engine insert '>= 1.0' 'reserve() / plain INSERT'
	ratio engine unchecked - 'reserve() / plain INSERT, table without CHECKs'
	ratio engine best '>= 12' 'reserve() / best SQL'
	ratio engine queued - 'reserve() / best SQL behind an advisory lock'
	ratio wal insert - 'the ceiling: bare WAL record / plain INSERT'
	ratio engine wal - 'reserve() / ceiling'
	figure 'above the ceiling, server CPU us per call' "$(calc "$(median_of engine server_us) - $(median_of wal server_us)")" -
	check_rows engine retail.reservation
	check_rows best bench.reservation
	check_verify bench
}

bench_hot8() {
	begin hot8 "one hot SKU, 8 clients"
	fresh_small
	arm engine 'reserve()' 8 key_hot reserve
	arm insert 'plain INSERT' 8 key_hot plain_insert
	arm unchecked 'plain INSERT, table without CHECKs' 8 key_hot plain_insert_unchecked
	arm best 'best SQL, one CTE statement' 8 key_hot best_reserve
	arm queued 'best SQL behind an advisory lock' 8 key_hot queued_reserve
	rounds
	ratio engine insert '>= 1.0' 'reserve() / plain INSERT'
	ratio engine unchecked - 'reserve() / plain INSERT, table without CHECKs'
	ratio engine best '>= 4.5' 'reserve() / best SQL'
	ratio engine queued - 'reserve() / best SQL behind an advisory lock'
	check_rows engine retail.reservation
}

bench_hot1() {
	local name

	begin hot1 "one hot SKU, 1 client, synchronous_commit off"
	fresh_small
	arm engine 'reserve()' 1 key_hot reserve
	arm insert 'plain INSERT' 1 key_hot plain_insert
	arm unchecked 'plain INSERT, table without CHECKs' 1 key_hot plain_insert_unchecked
	for name in "${arms[@]}"; do
		arm_env[$name]='PGOPTIONS=-csynchronous_commit=off'
	done
	rounds
	ratio insert engine '<= 1.3' 'time of reserve() / time of plain INSERT'
	ratio unchecked engine - 'time of reserve() / plain INSERT, table without CHECKs'
	check_rows engine retail.reservation
}

# ---- a million keys

bench_million() {
	begin million "$((million_skus * 1000)) keys, uniform, 64 clients, every cell loaded"
	use_server "$usual_cells"
	make_million
	load_cells million 1 "$million_skus" 1000
	uniform_arms million
	rounds
	ratio engine insert '>= 1.0' 'reserve() / plain INSERT'
	ratio engine best '>= 1.3' 'reserve() / best SQL'
	million_server_us=$(median_of engine server_us)
	check_verify million
}

# make_million: database "million", SKUs in 1,000 locations, once
make_million() {
	if [ "$(sql postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'million'")" -eq 0 ]; then
		make_database million "$million_skus" 1000
		stock million 1 "$million_skus" 1000 1000000000000
		settle million
	fi
}

uniform_arms() {
	local name

	warm_seconds=3
	arm engine 'reserve()' 64 learn_codes key_uniform reserve
	arm insert 'plain INSERT' 64 key_uniform plain_insert
	arm best 'best SQL, one CTE statement' 64 key_uniform best_reserve
	for name in engine insert best; do
		arm_db[$name]=$1
		arm_options[$name]="-D skus=$million_skus -D locations=1000 -D new=1"
	done
}

bench_misses() {
	local us

	begin misses "$((million_skus * 1000)) keys, a cell table of a tenth of them, 64 clients"
	use_server $((million_skus * 100))
	make_million
	uniform_arms million
	rounds
	ratio engine insert - 'reserve(), nine calls in ten load a cell / plain INSERT'
	ratio engine best - 'reserve(), nine calls in ten load a cell / best SQL'
	us=$(median_of engine server_us)
	if [ -n "${million_server_us:-}" ]; then
		figure 'a cold miss: server CPU us' "$(calc "($us - $million_server_us) / 0.9")" - "against bench million"
	fi
	check_verify million
}

# ---- refusals

bench_refuse() {
	local wal probes

	begin refuse "refusals of a sold-out SKU, 64 clients"
	fresh_small
	# all there is is held, for an hour
	sql bench -o /dev/null <<-'EOF'
		SELECT * FROM retail.reserve('1', '1', 1000000000000, 'app', interval '1 hour');
		SELECT * FROM retail.reserve('1', '1', 1, 'app');
	EOF
	arm engine 'reserve(), refused' 64 key_hot reserve
	arm insert 'plain INSERT' 64 key_hot plain_insert
	arm nothing 'a call that does nothing' 64 nothing
	probes=$(index_probes)
	rounds
	ratio engine insert '>= 3' 'reserve(), refused / plain INSERT'
	ratio engine nothing - 'reserve(), refused / a call that does nothing'
	wal=$(median_of engine wal)
	figure 'WAL bytes per refusal' "$wal" '< 1' "what there is comes from the server's own processes"
	# the stats of the last clients arrive a moment later
	sleep 1
	probes=$(($(index_probes) - probes))
	figure 'index probes per refusal' "$(calc "$probes / ${run_calls[engine]}")" '< 0.001' \
		"of reservation, stock, sold_out, request"
	check_verify bench
}

# index_probes: index scans so far of what a refusal might look into
index_probes() {
	sql bench -c "SELECT sum(idx_scan) FROM pg_stat_user_indexes
		WHERE schemaname = 'retail' AND relname IN ('reservation', 'stock', 'sold_out', 'request')"
}

# ---- many lines

# fill_lines ARM KEY...: puts "sku location" pairs into the arm's script
fill_lines() {
	local script=$work/script/$bench.$1.sql skus='' locations='' qtys='' lines='' key

	shift
	for key; do
		skus+=,${key% *}
		locations+=,${key#* }
		qtys+=,1
		lines+=",\"(${key% *},${key#* },1)\""
	done
	sed -i "s/@skus@/{${skus:1}}/; s/@locations@/{${locations:1}}/; s/@qtys@/{${qtys:1}}/; s/@lines@/{${lines:1}}/" "$script"
}

bench_lines() {
	local keys sku location

	begin lines "reserve_lines() of 1,000 lines, 1 client"
	calls_are=basket
	fresh_small
	keys=()
	for ((sku = 1; sku <= 100; sku++)); do
		for ((location = 1; location <= 10; location++)); do
			keys+=("$sku $location")
		done
	done
	arm engine 'reserve_lines(), 1,000 lines' 1 reserve_lines
	arm insert 'one INSERT of 1,000 rows' 1 plain_insert_lines
	fill_lines engine "${keys[@]}"
	fill_lines insert "${keys[@]}"
	rounds
	ratio engine insert '>= 1.0' 'reserve_lines() / multi-row INSERT'
	check_rows engine retail.reservation
	check_verify bench
}

bench_baskets() {
	local basket keys deadlocks name

	begin baskets "baskets of 5 lines out of 20 hot SKUs, in any order, 64 clients"
	calls_are=basket
	fresh_small
	arm engine 'reserve_lines(), 5 lines' 64 reserve_lines
	arm insert 'one INSERT of 5 rows' 64 plain_insert_lines
	for name in engine insert; do
		arm_scripts[$name]=
	done
	RANDOM=1
	for ((basket = 1; basket <= 20; basket++)); do
		mapfile -t keys < <(seq 1 20 | awk -v seed=$RANDOM 'BEGIN { srand(seed) } { print rand(), $1, 1 }' |
			sort -g | awk 'NR <= 5 { print $2, $3 }')
		for name in engine insert; do
			cp "$work/script/baskets.$name.sql" "$work/script/baskets.$name$basket.sql"
			fill_lines "$name$basket" "${keys[@]}"
			arm_scripts[$name]+=" -f $work/script/baskets.$name$basket.sql"
		done
	done
	rounds
	ratio engine insert '>= 1.0' 'reserve_lines() / INSERT of the same rows'
	deadlocks=$(sql bench -c "SELECT deadlocks FROM pg_stat_database WHERE datname = 'bench'")
	figure 'deadlocks' "$deadlocks" '<= 0'
	check_verify bench
}

# ---- the life of a reservation, and the till

bench_confirm() {
	begin confirm "reserve, then confirm, one hot SKU, 64 clients"
	fresh_small
	arm engine 'reserve(), confirm()' 64 key_hot reserve_confirm
	arm best 'best SQL' 64 key_hot best_reserve_confirm
	rounds
	ratio engine best '>= 6' 'reserve() and confirm() / best SQL'
	check_rows engine retail.reservation
	check_verify bench
}

bench_life() {
	begin life "reserve, confirm, consume, one hot SKU, 64 clients"
	fresh_small
	arm engine 'reserve(), confirm(), consume()' 64 key_hot life
	arm best 'best SQL' 64 key_hot best_life
	rounds
	ratio engine best '>= 1.5' 'whole life / best SQL'
	check_rows engine retail.movement
	check_verify bench
}

bench_sell() {
	local clients

	for clients in 64 1; do
		begin sell "till sales of one SKU at one location, $clients client(s)"
		fresh_small
		arm engine 'sell()' "$clients" key_hot sell
		arm best 'best SQL' "$clients" key_hot best_sell
		rounds
		ratio engine best '>= 1.0' "sell() / best SQL, $clients client(s)"
		check_rows engine retail.movement
		check_verify bench
	done
}

# ---- sold-out flags

bench_cross() {
	local commit flags

	for commit in on off; do
		begin cross "the reservation that takes the last unit, 1 client, synchronous_commit $commit"
		cross_database
		arm cross 'reserve(), last unit' 1 key_next reserve
		arm other 'reserve(), one of many' 1 key_next reserve
		arm_env[cross]="PGOPTIONS=-csynchronous_commit=$commit"
		arm_env[other]=${arm_env[cross]}
		cross_rounds
		table
		if [ "$commit" = on ]; then
			ratio other cross '<= 3' 'time of a crossing / time of a reservation'
		else
			ratio other cross - 'the same without waiting for the flush'
		fi
		flags=$(sql bench -c 'SELECT count(*) FROM retail.sold_out WHERE sellable_floor = -1')
		check 'crossings without a flag' "$((${run_calls[cross]} + cross_calls - flags))"
		check_verify bench
	done
	figure 'probes of the flags per non-crossing reservation' "$cross_probes" '<= 0'
}

# cross_database: SKUs 1 to 500 have one unit at each of 100 locations, SKUs
# 501 to 1000 plenty
cross_database() {
	use_server "$usual_cells"
	if [ "$(sql postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'one_unit'")" -eq 0 ]; then
		make_database one_unit 1000 100
		stock one_unit 1 500 100 1
		stock one_unit 501 1000 100 1000000000000
		settle one_unit
	fi
	copy_database bench one_unit
	load_cells bench 1 1000 100
	settle bench
}

# each call has a key of its own: rounds of a number of calls, not of seconds
cross_rounds() {
	local round

	cross_calls=$((40000 / (rounds + 1) < 4000 ? 40000 / (rounds + 1) : 4000))
	run_calls=()
	for ((round = 0; round <= rounds; round++)); do
		arm_options[cross]="-D first_sku=1 -D locations=100 -D k=$((round * cross_calls))"
		arm_options[other]="-D first_sku=501 -D locations=100 -D k=$((round * cross_calls))"
		run_arm cross "$round" -t "$cross_calls"
		cross_probes=$(flag_probes)
		run_arm other "$round" -t "$cross_calls"
		cross_probes=$(calc "($(flag_probes) - $cross_probes) / $cross_calls")
	done
}

# flag_probes: scans and writes of the flags so far
flag_probes() {
	sleep 0.7
	sql bench -c "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del
		FROM pg_stat_user_tables WHERE relid = 'retail.sold_out'::regclass"
}

# ---- reading

# available_us DATABASE SKU LOCATION: server time of a warm call: a loop over
# it in one statement, minus the loop
available_us() {
	sql "$1" <<-EOF 2>&1 | sed -n 's/.*us: //p'
		DO \$\$
		DECLARE
		    n constant integer := 200000;
		    t0 timestamptz;
		    t1 timestamptz;
		    t2 timestamptz;
		BEGIN
		    PERFORM count(retail.available('$2', '$3', 'app')) FROM generate_series(1, 1000);
		    t0 := clock_timestamp();
		    PERFORM count(retail.available('$2', '$3', 'app')) FROM generate_series(1, n);
		    t1 := clock_timestamp();
		    PERFORM count(i) FROM generate_series(1, n) AS i;
		    t2 := clock_timestamp();
		    RAISE NOTICE 'us: %', extract(epoch FROM (t1 - t0) - (t2 - t1)) * 1e6 / n;
		END
		\$\$;
	EOF
}

bench_available() {
	local us=() round

	begin available "available(), server time of a warm call"
	fresh_small
	one_reservation
	for ((round = 1; round <= rounds; round++)); do
		us+=("$(available_us bench 1 1)")
	done
	figure 'available(), us' "$(median "${us[@]}")" '<= 5' "$(printf '%.2f ' "${us[@]}")"
}

# ---- what it costs

bench_wal() {
	begin wal "WAL per reservation, 1 client"
	fresh_small
	arm engine 'reserve()' 1 key_hot reserve
	arm insert 'plain INSERT' 1 key_hot plain_insert
	rounds -t 5000
	ratio engine insert '<= 1.1' 'WAL of reserve() / WAL of plain INSERT' wal
}

bench_cell() {
	local small big

	begin cell "shared memory per cell"
	use_server 200000
	small=$(sql postgres -c 'SELECT sum(allocated_size) FROM pg_shmem_allocations')
	use_server 1200000
	big=$(sql postgres -c 'SELECT sum(allocated_size) FROM pg_shmem_allocations')
	# the rest that is not yet given out is listed, too: it must not hide a part
	figure 'bytes of shared memory per cell, hash links included' "$(calc "($big - $small) / 1000000")" '<= 96' \
		"all of pg_shmem_allocations at 1,200,000 cells minus at 200,000"
}

bench_churn() {
	local before after dead name

	begin churn "$churn_seconds s of reserve, confirm and release of one hot SKU, 64 clients"
	fresh_small
	one_reservation
	before=$(stock_writes)
	arm engine 'reserve(), confirm() or release()' 64 key_hot reserve_confirm
	name=$work/script/churn.release.sql
	cat "$bench_dir/sql/key_hot.sql" "$bench_dir/sql/reserve_release.sql" >"$name"
	arm_scripts[engine]+=" -f $name"
	run_arm engine 1 -T "$churn_seconds"
	sleep 1
	after=$(stock_writes)
	dead=$(sql bench <<-'EOF'
		SET client_min_messages = warning;
		CREATE EXTENSION IF NOT EXISTS pgstattuple SCHEMA public;
		SELECT dead_tuple_count FROM public.pgstattuple('retail.stock');
	EOF
	)
	figure 'dead rows in stock' "$dead" '<= 0' "after ${run_calls[engine]} lives"
	figure 'updates and deletes of stock' "$((after - before))" '<= 0'
	check_verify bench
}

stock_writes() {
	sql bench -c "SELECT n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relid = 'retail.stock'::regclass"
}

# anon_kb: mean private memory of the clients' backends, in kB
anon_kb() {
	local pids

	mapfile -t pids < <(ps -o pid=,args= --ppid "$postmaster" | awk '/\[local\]/ { print $1 }')
	[ "${#pids[@]}" -ge 64 ] || return 0
	(cd /proc && cat "${pids[@]/%//status}" 2>/dev/null) | awk '/^RssAnon:/ { t += $2; n++ } END { printf "%d\n", t / n }'
}

bench_memory() {
	local sampler samples calls_per_session

	# five calls a transaction
	calls_per_session=$((memory_calls / 5 * 5))
	begin memory "private memory of 64 sessions over $calls_per_session calls each"
	calls_are=session
	fresh_small
	# SKU 1000 is sold out at location 1
	sql bench -o /dev/null -c "SELECT * FROM retail.reserve('1000', '1', 1000000000000, 'app', interval '1 day')"
	arm engine 'five calls' 64 learn_codes key_uniform mixed
	arm_options[engine]='-D skus=999 -D locations=10 -D new=1'
	arm_env[engine]='PGOPTIONS=-csynchronous_commit=off'
	(
		while :; do
			anon_kb || true
			sleep 0.25
		done >"$work/anon_kb"
	) &
	sampler=$!
	run_arm engine 1 -t "$((calls_per_session / 5))"
	kill "$sampler" || true
	wait "$sampler" 2>/dev/null || true
	mapfile -t samples <"$work/anon_kb"
	if [ "${#samples[@]}" -lt 4 ]; then
		echo "   too short for this machine: raise the number of calls"
		return
	fi
	figure 'private memory of a session after a quarter of the calls, kB' "${samples[${#samples[@]} / 4]}" -
	figure 'the same at the end, kB' "${samples[-1]}" -
	figure 'growth in the last three quarters, kB' "$((samples[-1] - samples[${#samples[@]} / 4]))" '<= 64'
	check_verify bench
}

# ---- the sweep

bench_sweep() {
	local holds round waits idle sweep set_based

	holds=$(integer "1000000 * $scale")
	begin sweep "sweep of $holds lapsed holds"
	calls_are=hold
	use_server "$usual_cells"
	make_database lapsed 1000 10
	stock lapsed 1 1000 10 1000000000
	{
		echo 'BEGIN; SELECT retail.bulk_write();'
		cat "$bench_dir/sql/seed_holds.sql"
		echo 'COMMIT;'
	} | sql lapsed -o /dev/null -v table=retail.reservation -v sequence=retail.reservation_id_seq \
		-v ttl='-1 hour' -v holds="$holds" -v skus=1000 -v locations=10
	sql lapsed -v table=bench.reservation -v sequence=bench.reservation_id_seq \
		-v ttl='-1 hour' -v holds="$holds" -v skus=1000 -v locations=10 -f "$bench_dir/sql/seed_holds.sql"
	settle lapsed
	timed_arm engine 'CALL retail.sweep()'
	timed_arm update 'one set-based UPDATE'
	for ((round = 1; round <= rounds && round <= 3; round++)); do
		copy_database bench lapsed
		sql bench -c CHECKPOINT
		timed_run engine "$round" bench "$holds" -c 'CALL retail.sweep()'
		timed_run update "$round" bench "$holds" -f <(section set_based_expiry)
		check 'lapsed holds left by the sweep' "$(sql bench -c "SELECT count(*) FROM retail.reservation WHERE status = 'held'")"
		check_verify bench
	done
	rounds=$((round - 1)) table
	rounds=$((round - 1)) ratio engine update '>= 1.0' 'sweep() / set-based UPDATE, holds per second'

	# and with sales meanwhile, of the stock that is being swept
	copy_database bench lapsed
	sql bench -c CHECKPOINT
	idle=$(longest_sale 5 '')
	waits=$(lock_waits)
	sweep=$(longest_sale 0 'CALL retail.sweep()')
	waits=$(($(lock_waits) - waits))
	copy_database bench lapsed
	sql bench -c CHECKPOINT
	set_based=$(longest_sale 0 "$(section set_based_expiry)")
	figure 'sales that waited more than 10 ms for a lock during the sweep' "$waits" '<= 0'
	figure 'longest sale during the sweep, ms' "${sweep% *}" '<= 10' "99.9 %: ${sweep#* } ms; flush of the log included"
	figure 'longest sale during the set-based UPDATE of another table, ms' "${set_based% *}" - "99.9 %: ${set_based#* } ms"
	figure 'longest sale with nothing beside it, ms' "${idle% *}" - "99.9 %: ${idle#* } ms"
	check_verify bench
	drop_database lapsed
}

# longest_sale SECONDS STATEMENT: sales and reservations of all keys, one
# client, 200 a second, while the statement runs, or for that many seconds;
# prints the longest and the 99.9th percentile in ms
longest_sale() {
	local sales

	cat "$bench_dir/sql/key_uniform.sql" "$bench_dir/sql/reserve.sql" >"$work/script/sweep.reserve.sql"
	cat "$bench_dir/sql/key_uniform.sql" "$bench_dir/sql/sell.sql" >"$work/script/sweep.sell.sql"
	rm -f "$work"/sale.*
	PGOPTIONS='-c log_lock_waits=on -c deadlock_timeout=10ms' \
		pgbench -n -M prepared -c 1 -R 200 -T 600 -l --log-prefix="$work/sale" -D skus=1000 -D locations=10 \
		-f "$work/script/sweep.reserve.sql" -f "$work/script/sweep.sell.sql" bench >/dev/null 2>"$work/sale.err" &
	sales=$!
	# the first second warms up
	sleep 1
	sleep "$1"
	[ -z "$2" ] || sql bench -o /dev/null -c "$2"
	# a client cut off by the server leaves its log complete
	sql postgres -o /dev/null -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgbench'"
	wait "$sales" || true
	# transaction time minus the lag behind its schedule
	awk 'NR == 1 { first = $5 } $5 > first { print ($3 - $7) / 1000 }' "$work"/sale.[0-9]* | sort -g |
		awk '{ v[NR] = $1 } END { print v[NR], v[int(NR * 0.999)] }'
}

# lock_waits: sales that found a lock taken for more than 10 ms, so far
lock_waits() {
	grep -c 'still waiting for' "$server/server.log" || true
}

# ---- history

bench_history() {
	local db name us_empty=() us_full=() round live

	live=$(integer "1000000 * $scale")
	begin history "$history_rows finished reservations in history beside $live live ones, 64 clients"
	use_server "$usual_cells"
	make_database empty_history 1000 100
	stock empty_history 1 1000 100 1000000000
	{
		echo 'BEGIN; SELECT retail.bulk_write();'
		cat "$bench_dir/sql/seed_holds.sql"
		echo 'COMMIT;'
	} | sql empty_history -o /dev/null -v table=retail.reservation -v sequence=retail.reservation_id_seq \
		-v ttl='1 day' -v holds="$live" -v skus=1000 -v locations=100
	settle empty_history
	copy_database full_history empty_history
	sql full_history -v rows="$history_rows" -f "$bench_dir/sql/seed_history.sql"
	settle full_history
	for db in empty_history full_history; do
		load_cells "$db" 1 1000 100
	done
	warm_seconds=3
	arm full 'reserve(), full history' 64 learn_codes key_uniform reserve
	arm empty 'reserve(), empty history' 64 learn_codes key_uniform reserve
	for name in full empty; do
		arm_db[$name]=${name}_history
		arm_options[$name]='-D skus=1000 -D locations=100 -D new=1'
	done
	rounds
	ratio full empty '>= 0.9' 'reserve(), full history / empty history'
	for ((round = 1; round <= rounds; round++)); do
		us_full+=("$(available_us full_history 7 7)")
		us_empty+=("$(available_us empty_history 7 7)")
	done
	figure 'time of available(), full history / empty history' \
		"$(calc "$(median "${us_full[@]}") / $(median "${us_empty[@]}")")" '<= 1.1' \
		"$(median "${us_full[@]}") us, $(median "${us_empty[@]}") us"
	check_verify full_history
	drop_database full_history
	drop_database empty_history
}

# ---- ten million stock rows

bench_big() {
	local skus rows holds round from elapsed_verify name ratio_million ratio_big

	skus=$(integer "5000 * $scale")
	rows=$((skus * 2000))
	holds=$((rows / 2))
	begin big "$rows stock rows"
	use_server $((rows + rows / 10 + 100000))
	big_load
	big_reserve
	big_verify
	drop_database big
}

big_load() {
	calls_are=row
	make_database big "$skus" 2000
	sql big -c "COPY (SELECT s, l, 1000000 FROM generate_series(1, $skus) AS s, generate_series(1, 2000) AS l) TO '$work/stock.copy'"
	timed_arm engine 'bulk_write(), COPY'
	timed_arm copy 'plain COPY'
	for ((round = 1; round <= rounds && round <= 3; round++)); do
		sql big -o /dev/null <<-'EOF'
			TRUNCATE bench.stock_copy;
			BEGIN;
			SELECT retail.bulk_write();
			TRUNCATE retail.stock;
			COMMIT;
			CHECKPOINT;
		EOF
		timed_run engine "$round" big "$rows" <<-EOF
			BEGIN;
			SELECT retail.bulk_write();
			COPY retail.stock (sku_id, location_id, on_hand) FROM '$work/stock.copy';
			COMMIT;
		EOF
		sql big -c CHECKPOINT
		timed_run copy "$round" big "$rows" -c "COPY bench.stock_copy (sku_id, location_id, on_hand) FROM '$work/stock.copy'"
	done
	rm "$work/stock.copy"
	rounds=$((round - 1)) table
	rounds=$((round - 1)) ratio engine copy '>= 0.9' 'bulk load / plain COPY into the same indexed table'
}

# live holds in both tables, then every cell
big_reserve() {
	calls_are=call
	arms=()
	sql big -c 'TRUNCATE bench.stock_copy'
	{
		echo 'BEGIN; SELECT retail.bulk_write();'
		cat "$bench_dir/sql/seed_holds.sql"
		echo 'COMMIT;'
	} | sql big -o /dev/null -v table=retail.reservation -v sequence=retail.reservation_id_seq \
		-v ttl='1 day' -v holds="$holds" -v skus="$skus" -v locations=2000
	sql big -v table=bench.plain -v sequence=bench.plain_id_seq \
		-v ttl='1 day' -v holds="$holds" -v skus="$skus" -v locations=2000 -f "$bench_dir/sql/seed_holds.sql"
	settle big
	from=$EPOCHREALTIME
	load_cells big 1 $((skus / 2)) 2000 &
	load_cells big $((skus / 2 + 1)) "$skus" 2000
	wait $!
	figure 'seconds to load every cell, two sessions' "$(calc "$EPOCHREALTIME - $from")" -

	warm_seconds=$(integer "3 + 5 * $scale")
	arm engine "reserve(), $rows keys" 64 learn_codes key_uniform reserve
	arm insert "plain INSERT, $rows keys" 64 key_uniform plain_insert
	arm engine_tenth "reserve(), a tenth of the keys" 64 learn_codes key_uniform reserve
	arm insert_tenth "plain INSERT, a tenth of the keys" 64 key_uniform plain_insert
	for name in "${arms[@]}"; do
		arm_db[$name]=big
		arm_options[$name]="-D skus=$skus -D locations=2000 -D new=1"
	done
	arm_options[engine_tenth]="-D skus=$((skus / 10)) -D locations=2000 -D new=1"
	arm_options[insert_tenth]=${arm_options[engine_tenth]}
	rounds
	ratio engine insert - "reserve() / plain INSERT, $rows keys"
	ratio engine_tenth insert_tenth - 'reserve() / plain INSERT, a tenth of the keys'
	mapfile -t ratio_big < <(ratios engine insert)
	mapfile -t ratio_million < <(ratios engine_tenth insert_tenth)
	figure 'the first of these ratios / the second' \
		"$(calc "$(median "${ratio_big[@]}") / $(median "${ratio_million[@]}")")" '>= 0.9'
	ratio engine engine_tenth - 'calls per second, all keys / a tenth of them'
}

big_verify() {
	local all=() differences

	for ((round = 1; round <= 2; round++)); do
		from=$EPOCHREALTIME
		differences=$(sql big -c 'SELECT count(*) FROM retail.verify()')
		elapsed_verify=$(calc "$EPOCHREALTIME - $from")
		all+=("$elapsed_verify")
	done
	check 'differences shown by verify()' "$differences"
	figure "verify() of $rows stock rows and $holds live holds, s" "$(median "${all[@]}")" \
		"<= $(calc "30 * $scale")" "$(printf '%.1f ' "${all[@]}")for 10 million and 5 million the bound is 30 s"
}

# ---- routing

# make_routing NAME SKUS STORES CARRIED [POINTS]: stores with shelves for
# CARRIED of 100 SKUs, and orders for places near them, once; with POINTS, a CSV
# file, the stores are there
make_routing() {
	local db=$1 skus=$2 stores=$3 carried=$4 points=${5:-}

	[ "$(sql postgres -c "SELECT count(*) FROM pg_database WHERE datname = '$db'")" -eq 0 ] || return 0
	make_database "$db" "$skus" 0
	sql "$db" -f "$bench_dir/sql/route_tables.sql"
	[ -z "$points" ] || load_points "$db" "$points"
	# as many stores round a town whatever their number
	sql "$db" -o /dev/null -v stores="$stores" -v towns=$((stores / 28)) -f "$bench_dir/sql/seed_stores.sql"
	sql "$db" -o /dev/null -v carried="$carried" -f "$bench_dir/sql/seed_shelves.sql"
	sql "$db" -o /dev/null -v skus="$skus" -v baskets="$route_baskets" -f "$bench_dir/sql/seed_baskets.sql"
	settle "$db"
}

# load_points DATABASE FILE
load_points() {
	sql "$1" <<-EOF
		CREATE TEMPORARY TABLE given (id integer, name text, street text, city text, state text, zip text,
			latitude float8, longitude float8, phone text, state_name text, brand text, updated date);
		COPY given FROM '$2' (FORMAT csv, HEADER);
		INSERT INTO bench.point (longitude, latitude) SELECT longitude, latitude FROM given ORDER BY id;
	EOF
}

# make_network: the stores that routes are measured over
make_network() {
	local points=$work/points.csv

	[ -e "$points" ] || points=
	use_server "$usual_cells"
	make_routing network "$route_skus" "$route_stores" 100 "$points"
}

# load_near DATABASE: the cells round the destinations of its orders, which
# reading does not load
load_near() {
	local misfits

	misfits=$(sql "$1" -f "$bench_dir/sql/load_near.sql" | awk '{ n += $1 } END { print n + 0 }')
	[ "$misfits" -eq 0 ] || die "$misfits cells of $1 could not be loaded"
}

# time_arms DATABASE ROUND ARM...: every order by every arm, in one session
# that has come across every code; fills in what "rounds" does, a call's time
# being the median
time_arms() {
	local db=$1 round=$2 list name us calls

	shift 2
	printf -v list '%s,' "$@"
	sql "$db" <<-EOF
		TRUNCATE bench.timing;
		CALL bench.learn_codes();
		CALL bench.time_arms('{${list%,}}', $round);
	EOF
	while read -r name us calls; do
		run_rate[$db.$name,$round]=$(calc "1e6 / $us")
		csv_line runs.csv "$bench" "$db.$name" 1 "$round" "$calls" "${run_rate[$db.$name,$round]}" "$(calc "$us / 1000")" 0 0 0 0
	done < <(sql "$db" -F ' ' -c "SELECT arm, percentile_cont(0.5) WITHIN GROUP (ORDER BY us), count(*)
		FROM bench.timing GROUP BY arm")
	sql "$db" -c "SELECT us FROM bench.timing WHERE arm = '$1'" >>"$work/us.$bench.$db.$1.$((round > 0))"
}

# ms_of DATABASE ARM FRACTION [cold]: of the times of all rounds
ms_of() {
	sort -g "$work/us.$bench.$1.$2.$([ "${4:-}" = cold ] && echo 0 || echo 1)" |
		awk -v f="$3" '{ v[NR] = $1 } END { i = int(NR * f); printf "%.6g", v[i < NR ? i + 1 : NR] / 1000 }'
}

# ms_figures DATABASE ARM LABEL
ms_figures() {
	figure "$3, median ms" "$(calc "1000 / $(median_of "$1.$2" rate)")" -
}

bench_route() {
	local round

	begin route "10 lines over $route_stores stores x $route_skus SKUs, express, server time of a call"
	make_network
	make_routing many 20 "$many_stores" 100
	make_routing sparse "$sparse_skus" "$route_stores" "$route_carried"
	# twice, for the first pass reads the tables from disk; none loads a cell
	restart_server
	time_arms network 0 route nearest
	time_arms many 0 route
	time_arms sparse 0 route nearest
	rm -f "$work"/us.route.*
	time_arms network 0 route nearest
	load_near network
	load_near many
	load_near sparse
	for ((round = 1; round <= rounds; round++)); do
		time_arms network "$round" route nearest counter
		time_arms many "$round" route
		time_arms sparse "$round" route nearest
	done
	figure 'route(), median ms, cells loaded' "$(ms_of network route 0.5)" '<= 1'
	figure 'route(), 99 % ms, cells loaded' "$(ms_of network route 0.99)" '<= 5'
	figure 'route(), median ms, no cell loaded' "$(ms_of network route 0.5 cold)" - "tables in memory"
	figure 'route(), 99 % ms, no cell loaded' "$(ms_of network route 0.99 cold)" -
	ms_figures network nearest 'nearest first in PL/pgSQL'
	ratio network.route network.nearest '>= 5' 'speed of route() / nearest first in PL/pgSQL'
	ratio network.route network.counter - 'speed of route() / the same with a counter per stock'
	figure "route(), median ms, $many_stores stores" "$(ms_of many route 0.5)" -
	figure "route(), 99 % ms, $many_stores stores" "$(ms_of many route 0.99)" -
	ratio network.route many.route '<= 2' "time of route(), $many_stores stores / $route_stores"
	plan_figures network
	check_verify network
	figure "route(), median ms, sparse stores: $route_carried of 100 SKUs" "$(ms_of sparse route 0.5)" -
	figure 'route(), 99 % ms, sparse stores' "$(ms_of sparse route 0.99)" -
	ratio sparse.route sparse.nearest - 'speed of route() / nearest first, sparse stores'
	plan_figures sparse 'sparse stores'
}

# plan_figures DATABASE [WHERE]: parcels and distance of all its orders
plan_figures() {
	local where=${2:+, $2} orders ours theirs our_km their_km more_theirs more_ours short

	sql "$1" -c 'TRUNCATE bench.parcels' -c 'CALL bench.weigh_plans()'
	read -r orders ours theirs our_km their_km more_theirs more_ours short < <(sql "$1" -F ' ' -c "
		SELECT count(*), sum(r.parcels), sum(n.parcels), sum(r.metres) / 1000, sum(n.metres) / 1000,
			avg((n.parcels > r.parcels)::integer) * 100, count(*) FILTER (WHERE r.parcels > n.parcels),
			count(*) FILTER (WHERE r.unfilled > n.unfilled)
		FROM bench.parcels AS r JOIN bench.parcels AS n USING (basket)
		WHERE r.arm = 'route' AND n.arm = 'nearest'")
	figure "parcels per order, route()$where" "$(calc "$ours / $orders")" - "$ours parcels of $orders orders"
	figure "parcels per order, nearest first$where" "$(calc "$theirs / $orders")" - "$theirs parcels"
	figure "km of all parcels per order, route()$where" "$(calc "$our_km / $orders")" -
	figure "km of all parcels per order, nearest first$where" "$(calc "$their_km / $orders")" -
	figure "orders for which nearest first needs more parcels, %$where" "$more_theirs" -
	figure "orders for which route() needs more parcels$where" "$more_ours" '<= 0'
	check "orders of which route() fills less$where" "$short"
}

bench_near() {
	local round

	begin near "stock_near() over $route_stores stores x $route_skus SKUs, server time of a call"
	make_network
	load_near network
	# a channel that is served from every third location
	sql network <<-EOF
		INSERT INTO retail.channel (id, code, name) SELECT max(id) + 1, 'outlet', 'Outlet' FROM retail.channel;
		INSERT INTO retail.channel_routing (channel_id, source) SELECT id, 'listed' FROM retail.channel WHERE code = 'outlet';
		INSERT INTO retail.channel_source (channel_id, location_id)
		SELECT c.id, l.id FROM retail.channel AS c, retail.location AS l WHERE c.code = 'outlet' AND l.id % 3 = 0;
	EOF
	rm -f "$work"/us.near.*
	for ((round = 0; round <= rounds; round++)); do
		time_arms network "$round" near near_sql near_listed
	done
	figure 'stock_near(), median ms' "$(ms_of network near 0.5)" '<= 0.3'
	figure 'stock_near(), 99 % ms' "$(ms_of network near 0.99)" -
	ms_figures network near_listed 'stock_near(), a third of the stores listed'
	ms_figures network near_sql 'plain SQL'
	ratio network.near network.near_sql - 'speed of stock_near() / plain SQL'
	check 'answers of stock_near() other than of plain SQL' "$(sql network -c "
		SELECT count(*) FROM bench.basket AS b
		WHERE (SELECT array_agg((location, available) ORDER BY distance_m, location)
			FROM retail.stock_near(b.skus[1]::text, 'app', b.longitude, b.latitude, b.qtys[1]))
		IS DISTINCT FROM (SELECT array_agg((location, available) ORDER BY distance_m, location)
			FROM bench.near(b.skus[1]::text, b.qtys[1], b.longitude, b.latitude))")"
}

# ---- orders

# order_baskets NAME...: 20 baskets of 5 out of 20 SKUs, the same for each arm
order_baskets() {
	local basket keys name

	for name; do
		arm_scripts[$name]=
	done
	RANDOM=1
	for ((basket = 1; basket <= 20; basket++)); do
		# a key is a SKU, a blank, and no location
		mapfile -t keys < <(seq 1 20 | awk -v seed=$RANDOM 'BEGIN { srand(seed) } { print rand(), $1 }' |
			sort -g | awk 'NR <= 5 { print $2 " " }')
		for name; do
			cp "$work/script/$bench.$name.sql" "$work/script/$bench.$name$basket.sql"
			fill_lines "$name$basket" "${keys[@]}"
			arm_scripts[$name]+=" -f $work/script/$bench.$name$basket.sql"
		done
	done
}

# below_zero: stocks of which more is promised than there is
below_zero() {
	sql bench -c "SELECT count(*)
		FROM (SELECT sku_id, location_id, sum(qty) AS promised FROM retail.reservation
			WHERE status IN ('held', 'committed') GROUP BY sku_id, location_id) AS r
		JOIN retail.stock AS s USING (sku_id, location_id)
		WHERE s.on_hand - s.unavailable < r.promised"
}

deadlocks() {
	sql bench -c "SELECT deadlocks FROM pg_stat_database WHERE datname = 'bench'"
}

bench_orders() {
	local placed units

	begin orders "orders of 5 lines out of 20 hot SKUs, 64 clients"
	calls_are=order
	fresh_small
	arm engine 'place_order()' 64 place_order
	arm insert 'plain INSERT of the same rows' 64 plain_order
	arm unchecked 'plain INSERT, tables without CHECKs' 64 plain_order_unchecked
	order_baskets engine insert unchecked
	# a session's first order loads PostGIS and makes its plans
	warm_seconds=4
	rounds
	ratio engine insert '>= 0.5' 'place_order() / plain INSERT of the same rows'
	ratio engine unchecked - 'place_order() / plain INSERT, tables without CHECKs'
	check_rows engine retail.sales_order
	check 'reservations other than lines' "$(sql bench -c 'SELECT (SELECT count(*) FROM retail.order_line) -
		(SELECT count(*) FROM retail.reservation)')"
	figure 'deadlocks' "$(deadlocks)" '<= 0'
	check 'stocks below zero' "$(below_zero)"
	check_verify bench

	# and until units run out: every location has 200 of each SKU
	begin orders "the same, until units run out"
	calls_are=order
	fresh_small
	sql bench -o /dev/null <<-'EOF'
		BEGIN;
		SELECT retail.bulk_write();
		UPDATE retail.stock SET on_hand = 200 WHERE sku_id <= 20;
		COMMIT;
	EOF
	settle bench
	arm engine 'place_order(), few units' 64 place_order
	order_baskets engine
	run_arm engine 1 -t 200
	placed=$(sql bench -c 'SELECT count(*) FROM retail.sales_order')
	units=$(sql bench -c 'SELECT sum(qty) FROM retail.reservation')
	figure 'orders placed' "$placed" - "of ${run_calls[engine]} calls, ${run_rate[engine,1]%.*} calls/s; $units of 40000 units held"
	figure 'parcels per order' "$(calc "$(sql bench -c 'SELECT count(*) FROM retail.fulfilment_order') / $placed")" -
	figure 'deadlocks, few units' "$(deadlocks)" '<= 0'
	figure 'stocks below zero' "$(below_zero)" '<= 0'
	check_verify bench
}

bench_optimum() {
	local gap what

	begin optimum "parcels against the integer-programming optimum, $optimum_cases cases"
	"$bench_dir/route_optimum" -n "$optimum_cases" >"$work/optimum"
	sed '/above the optimum/d; s/^/   /' "$work/optimum"
	for what in parcels metres; do
		gap=$(awk -v what="$what" '$1 == what && /above the optimum/ { print $5 }' "$work/optimum")
		figure "$what above the optimum, %" "$gap" '<= 0.5'
	done
}

# ---- prices

bench_price_copy() {
	local skus prices file=$work/prices.txt round name
	local columns='(sku_id, location_id, channel_id, currency, amount, valid)'

	skus=$(integer "2000 * $scale")
	prices=$((skus * 500))
	begin price_copy "COPY of $prices prices, 50 locations, 10 channels, store by store"
	calls_are=price
	use_server "$usual_cells"
	make_database priced "$skus" 50
	sql priced -o /dev/null -f "$bench_dir/sql/seed_prices.sql"
	sql priced -c "COPY (
		SELECT k, l, c, 'CNY', 95 + (k + l + c) % 11, '[2026-01-01,)'
		FROM generate_series(1, 50) AS l, generate_series(1, 10) AS c, generate_series(1, $skus) AS k
		) TO STDOUT" >"$file"
	settle priced
	timed_arm guarded 'COPY into retail.price'
	timed_arm silent 'the same without the outbox'
	timed_arm plain 'COPY into the same table without triggers'
	for ((round = 1; round <= rounds && round <= 3; round++)); do
		for name in guarded silent plain; do
			copy_database bench priced
			[ "$name" != silent ] ||
				sql bench -c 'ALTER TABLE retail.price DISABLE TRIGGER retail_publish_insert'
			sql bench -c CHECKPOINT
			if [ "$name" = plain ]; then
				timed_run plain "$round" bench "$prices" -c "\\copy bench.price $columns FROM '$file'"
			else
				timed_run "$name" "$round" bench "$prices" -c "\\copy retail.price $columns FROM '$file'"
				check "prices that are missing" "$(sql bench -c "SELECT $prices - count(*) FROM retail.price")"
			fi
			[ "$name" != guarded ] ||
				check "prices without an event" "$(sql bench -c "SELECT $prices - count(*) FROM retail.outbox WHERE topic = 'price' AND payload ->> 'kind' = 'list'")"
		done
	done
	rounds=$((round - 1)) table
	rounds=$((round - 1)) ratio guarded plain '>= 0.4' 'guarded COPY / COPY without triggers, prices per second'
	rounds=$((round - 1)) ratio silent plain - 'the guard alone, without the outbox / COPY without triggers'
	drop_database priced
}

# ---- quotes

# quote_us NAME ROUND: microseconds of the calls of an arm, in a session of its
# own: keys it has quoted before, keys it quotes for the first time, a basket
quote_us() {
	local name=$1 round=$2 how=${1%_first} us

	case $name in
		lines) us=$(sql quotes -c "SELECT bench.quote_lines_us(100)" -c "SELECT bench.quote_lines_us(2000)" | tail -n 1) ;;
		*_first) us=$(sql quotes -c "SELECT bench.quote_us('$how', 1, 200, 1)" -c "SELECT bench.quote_us('$how', 1001, 25000, 1)" | tail -n 1) ;;
		*) us=$(sql quotes -c "SELECT bench.quote_us('$how', 1, 1000, 1)" -c "SELECT bench.quote_us('$how', 1, 1000, 20)" | tail -n 1) ;;
	esac
	run_rate[$name,$round]=$(calc "1e6 / $us")
	csv_line runs.csv "$bench" "$name" 1 "$round" 0 "${run_rate[$name,$round]}" "$(calc "$us / 1000")" 0 0 0 0
}

# us_of NAME: the median
us_of() {
	calc "1e6 / $(median_of "$1" rate)"
}

bench_quote() {
	local round name rest

	begin quote "quote() at $((scan_skus * 7200)) prices in force, of $scan_skus SKUs, 600 stores, 12 channels, server time of a call"
	use_server "$usual_cells"
	make_database quotes "$scan_skus" 600
	sql quotes -f "$bench_dir/sql/seed_quotes.sql"
	settle quotes
	rest=(best wide quote_first best_first wide_first lines)
	# round 0 reads from disk, and is not counted
	for ((round = 0; round <= rounds; round++)); do
		for name in quote "${rest[@]}"; do
			quote_us "$name" "$round"
		done
	done
	figure 'quote(), us' "$(us_of quote)" '<= 20'
	figure 'quote(), first of its key in the session, us' "$(us_of quote_first)" -
	figure 'SQL, a seek for each scope and kind, us' "$(us_of best)" -
	figure 'SQL, a scan for each scope, us' "$(us_of wide)" -
	ratio quote best '>= 3' 'speed of quote() / SQL, a seek for each scope and kind'
	ratio quote wide '>= 3' 'speed of quote() / SQL, a scan for each scope'
	ratio quote_first best_first - 'speed of quote(), first of its key / SQL, seeks'
	ratio quote_first wide_first - 'speed of quote(), first of its key / SQL, scans'
	figure 'quote_lines() of 30 lines, ms' "$(calc "$(us_of lines) / 1000")" '<= 0.5'
	check 'answers that are not those of SQL' "$(sql quotes -c 'SELECT bench.quote_differences()')"
	drop_database quotes
}

# make_prices NAME SKUS: 600 stores x 12 channels, a list price each, of which
# a thousandth is out of its band; loaded past the guard and without the
# constraint, which the scan does not read
make_prices() {
	make_database "$1" "$2" 600
	sql "$1" -v skus="$2" -f "$bench_dir/sql/seed_scan.sql"
	settle "$1"
}

bench_scan() {
	local first again rss prices wrong

	prices=$((scan_skus * 7200))
	begin scan "scan_prices() over $prices prices in force"
	use_server "$usual_cells"
	make_prices scan "$scan_skus"
	wrong=$(sql scan -c "SELECT count(*) FROM retail.price WHERE amount > 900")
	: >"$work/scan.rss"
	first=$(timed_scan)
	rss=$(sort -n "$work/scan.rss" | tail -n 1)
	again=$(timed_scan)
	figure "first scan, seconds; a million prices: $(calc "${first%%|*} * 1000000 / $prices")" "${first%%|*}" "<= $(calc "20 * $prices / 14400000")"
	figure 'second scan, seconds' "${again%%|*}" -
	figure 'memory of the session that scans, MB of RssAnon' "$rss" -
	check 'prices out of their band that it has not found' "$((wrong - $(cut -d '|' -f 2 <<<"$first")))"
	check 'news of the second scan' "$(cut -d '|' -f 3 <<<"$again")"
}

# timed_scan: seconds|found|news of one scan; its memory goes to $work/scan.rss
timed_scan() {
	local began pid

	(
		while sleep 0.2; do
			pid=$(sql scan -c "SELECT pid FROM pg_stat_activity WHERE query ~ 'scan_prices' AND pid <> pg_backend_pid() LIMIT 1")
			[ -z "$pid" ] || awk '/^RssAnon/ { print int($2 / 1024) }' "/proc/$pid/status" 2>/dev/null >>"$work/scan.rss"
		done
	) &
	pid=$!
	began=$(date +%s.%N)
	sql scan -c "SELECT found || '|' || news FROM retail.scan_prices('2026-11-01') WHERE rule = 'R1'" >"$work/scan.answer"
	echo "$(calc "$(date +%s.%N) - $began")|$(<"$work/scan.answer")"
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}
