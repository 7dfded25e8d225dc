# For each rule of the engine a test that holds with the rule and fails
# without it.  The build has a switch for each (src/base/fault.h).
use strict;
use warnings;
use FindBin;
use Time::HiRes qw(sleep time);
use lib $FindBin::RealBin;
use MutationTest;

my $serial = 0;

begin_mutation('mutation', <<'EOC', <<'SQL');
pg_retail.max_cells = 1000
max_prepared_transactions = 5
EOC
CREATE TABLE skew (v integer);
CREATE ROLE clerk LOGIN;
SELECT retail.grant_access('clerk', 'clerk');
ALTER TABLE retail.reservation ENABLE ROW LEVEL SECURITY;
CREATE POLICY nobody_sees ON retail.reservation FOR SELECT USING (false);
CREATE POLICY anybody_writes ON retail.reservation FOR INSERT WITH CHECK (true);
CREATE POLICY anybody_changes ON retail.reservation FOR UPDATE USING (true);
INSERT INTO retail.sku (code, name) SELECT 'K' || i, 'Kind' FROM generate_series(1, 4000) i;
SQL

# A SKU that no test had before, with units at S1.
sub fresh
{
	my ($units) = @_;
	my $code = 'M' . ++$serial;

	ask("INSERT INTO retail.sku (code, name) VALUES ('$code', 'x'); SELECT outcome FROM retail.receive('$code', 'S1', $units)");
	return $code;
}

sub reserve
{
	my ($code, $qty, @more) = @_;
	return "SELECT outcome FROM retail.reserve('" . join("', '", $code, 'S1', $qty, 'app', @more) . "')";
}

sub hold
{
	my ($code, $qty, $ttl) = @_;
	my $sql = reserve($code, $qty, $ttl || '1 hour');

	$sql =~ s/outcome/reservation_id/;
	return ask($sql);
}

my @rules = (
	[ take_at_commit => 'two open transactions, one last unit', sub {
		my $code = fresh(1);
		my $first = open_session();

		$first->ask('BEGIN');
		$first->ask(reserve($code, 1));
		my $second = ask(reserve($code, 1));
		$first->ask('COMMIT');
		return $second ne 'held';
	} ],
	[ give_at_once => 'a release that is rolled back', sub {
		my $code = fresh(1);
		my $id = hold($code, 1);
		my $first = open_session();

		$first->ask('BEGIN');
		$first->ask("SELECT outcome FROM retail.release($id)");
		my $second = ask(reserve($code, 1));
		$first->ask('ROLLBACK');
		return $second ne 'held' && ask(reserve($code, 1)) ne 'held';
	} ],
	[ abort_keeps_take => 'a reservation that is rolled back', sub {
		my $code = fresh(3);

		ask('BEGIN; ' . reserve($code, 3) . '; ROLLBACK');
		return ask(reserve($code, 3)) eq 'held';
	} ],
	[ subabort_ignored => 'rolled back to a savepoint', sub {
		my $code = fresh(3);

		ask('BEGIN; SAVEPOINT a; ' . reserve($code, 3) . '; ROLLBACK TO a; COMMIT');
		return ask(reserve($code, 3)) eq 'held';
	} ],
	[ subcommit_not_retagged => 'a savepoint released into one that is rolled back', sub {
		my $code = fresh(3);

		ask('BEGIN; SAVEPOINT a; SAVEPOINT b; ' . reserve($code, 3) . '; RELEASE b; ROLLBACK TO a; COMMIT');
		return ask(reserve($code, 3)) eq 'held';
	} ],
	[ own_give_unspendable => 'release and reserve in one transaction', sub {
		my $code = fresh(1);
		my $id = hold($code, 1);

		return ask("BEGIN; SELECT FROM retail.release($id); " . reserve($code, 1) . '; COMMIT') =~ /held/;
	} ],
	[ settle_at_precommit => 'a release whose transaction fails in its COMMIT', sub {
		my $code = fresh(1);
		my $id = hold($code, 1);
		my ($first, $second) = (open_session(), open_session());

		for my $session ($first, $second)
		{
			$session->ask('BEGIN ISOLATION LEVEL SERIALIZABLE');
			$session->ask('SELECT count(*) FROM skew');
		}
		$first->ask("SELECT outcome FROM retail.release($id)");
		$_->ask('INSERT INTO skew VALUES (1)') for $first, $second;
		$second->ask('COMMIT');
		$first->ask('COMMIT');
		die 'the transaction did not fail' unless $first->{complaint} =~ /40001/;
		return ask(reserve($code, 1)) ne 'held';
	} ],
	[ prepare_allowed => 'PREPARE TRANSACTION', sub {
		my $code = fresh(1);
		my $answer = ask('BEGIN; ' . reserve($code, 1) . "; PREPARE TRANSACTION 'mutation'");

		ask("ROLLBACK PREPARED 'mutation'");
		return $answer =~ /0A000/;
	} ],
	[ load_old_snapshot => 'first touch under REPEATABLE READ', sub {
		my $code = fresh(2);
		my $first = open_session();

		$first->ask('BEGIN ISOLATION LEVEL REPEATABLE READ');
		$first->ask('SELECT count(*) FROM retail.reservation');
		hold($code, 2);
		ask('SELECT retail.reset_cells()');
		my $answer = $first->ask(reserve($code, 1));
		$first->ask('COMMIT');
		return $answer ne 'held';
	} ],
	[ load_by_clock => 'a clock set back after a load', sub {
		# one unit is left over, so that no worker looks for lapsed holds
		my $code = fresh(2);

		clock('2031-01-01 10:00:00+00');
		my $id = hold($code, 1, '1 minute');
		clock('2031-01-01 10:02:00+00');
		ask('SELECT retail.reset_cells()');
		ask(reserve($code, 2));
		clock('2031-01-01 10:00:30+00');
		my $answer = ask("SELECT outcome FROM retail.confirm($id)");
		clock('');
		return $answer eq 'expired';
	} ],
	[ load_row_security => 'first touch by a clerk who sees nothing', sub {
		my $code = fresh(2);

		hold($code, 2);
		ask('SELECT retail.reset_cells()');
		return ask('SET SESSION AUTHORIZATION clerk; ' . reserve($code, 1)) ne 'held';
	} ],
	[ evict_pinned => 'a full table while a reservation is open', sub {
		my $code = fresh(1);
		my $first = open_session();

		$first->ask('BEGIN');
		$first->ask(reserve($code, 1));
		for my $part (0 .. 9)
		{
			my $from = $part * 400 + 1;
			my $to = $from + 399;
			ask("SELECT count(*) FROM retail.reserve_lines(ARRAY(SELECT ('K' || i, 'S1', 1)::retail.line FROM generate_series($from, $to) i), 'app')");
		}
		my $answer = ask(reserve($code, 1));
		$first->ask('COMMIT');
		return $answer ne 'held';
	} ],
	[ no_table_lock => 'a reservation during a load', sub {
		my $code = fresh(1);
		my ($first, $second) = (open_session(), open_session());

		ask('SELECT retail.available(\'' . $code . '\', \'S1\')');
		$first->ask('BEGIN');
		$first->ask('SELECT retail.bulk_write()');
		$first->ask("UPDATE retail.stock SET on_hand = 0 WHERE sku_id = (SELECT id FROM retail.sku WHERE code = '$code')");
		$second->start(reserve($code, 1));
		sleep(0.3);
		$first->ask('COMMIT');
		return $second->finish !~ /held/;
	} ],
	[ guard_off => 'an UPDATE of stock by hand', sub {
		return ask('BEGIN; UPDATE retail.stock SET on_hand = on_hand + 1; ROLLBACK') =~ /RT008/;
	} ],
	[ guard_unchecked => 'a guard that is disabled', sub {
		my $code = fresh(1);

		ask('ALTER TABLE retail.stock DISABLE TRIGGER retail_guard');
		my $answer = ask(reserve($code, 1));
		ask('ALTER TABLE retail.stock ENABLE ALWAYS TRIGGER retail_guard');
		return $answer eq '55000';
	} ],
	[ bulk_keeps_cells => 'a load that lowers stock', sub {
		my $code = fresh(5);

		hold($code, 1);
		ask("BEGIN; SELECT retail.bulk_write(); UPDATE retail.stock SET on_hand = 1 WHERE sku_id = (SELECT id FROM retail.sku WHERE code = '$code'); COMMIT");
		return ask(reserve($code, 1)) ne 'held';
	} ],
	[ deadline_ignored => 'a lapsed hold is confirmed', sub {
		my $code = fresh(5);

		clock('2031-01-01 10:00:00+00');
		my $id = hold($code, 1, '1 minute');
		clock('2031-01-01 10:02:00+00');
		my $answer = ask("SELECT outcome FROM retail.confirm($id)");
		clock('');
		return $answer eq 'expired';
	} ],
	[ claim_off => 'a lapsed hold and the next buyer', sub {
		my $code = fresh(2);

		clock('2031-01-01 10:00:00+00');
		hold($code, 1, '1 minute');
		clock('2031-01-01 10:02:00+00');
		my $answer = ask(reserve($code, 2));
		clock('');
		return $answer eq 'held';
	} ],
	[ bound_by_own_change => 'a counter loaded after a confirmation that is rolled back', sub {
		my $code = fresh(2);

		clock('2031-01-01 10:00:00+00');
		my $id = hold($code, 1, '1 minute');
		ask('SELECT retail.reset_cells()');
		ask("BEGIN; SELECT FROM retail.confirm($id); " . reserve($code, 2) . '; ROLLBACK');
		clock('2031-01-01 10:02:00+00');
		my $answer = ask(reserve($code, 2));
		clock('');
		return $answer eq 'held';
	} ],
	[ no_reprobe => 'the retry of the call that got the last unit', sub {
		my $code = fresh(1);
		my $call = "SELECT outcome FROM retail.reserve('$code', 'S1', 1, 'app', request_key => 'key $code')";
		my $retry = open_session();

		$retry->ask('SET pg_retail.fault_pause_ms = 1000');
		$retry->start($call);
		sleep(0.3);
		my $first = ask($call);
		return $first eq 'held' && $retry->finish =~ /held/;
	} ],
	[ flag_unrepaired => 'a flag set in good faith before a rollback', sub {
		for my $end (qw(COMMIT ROLLBACK))
		{
			my $code = fresh(6);
			my $first = open_session();
			my $sold_out = $end eq 'COMMIT' ? 1 : 0;
			my $flag = "SELECT count(*) FROM retail_bi.sold_out WHERE sku = '$code' AND channel = 'app'";

			$first->ask('BEGIN');
			$first->ask(reserve($code, 3));
			ask(reserve($code, 3));
			$first->ask($end);
			my $until = time + patience();
			sleep(0.1) until ask($flag) eq $sold_out || time > $until;
			return 0 if ask($flag) ne $sold_out;
		}
		return 1;
	} ],
);

try_rules(sub { switch_off($_[0][0], $_[1]) }, @rules);
end_mutation();
