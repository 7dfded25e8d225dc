# 64 clients race for 1,000 units in every way that can go wrong: aborts,
# savepoints, REPEATABLE READ, sessions terminated, a server process killed.
# Then accepted = consumed + active + free, never above on_hand at any moment,
# and verify() finds nothing.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

my $units = 1000;
my $node = retail_node('flash', settings => "restart_after_crash = on\nlog_min_messages = panic\n");

# What clients were told, kept outside the server.
my $told = scratch_file('told');

my %script = (
	hold => <<'EOS',
SELECT (outcome = 'held')::int AS ok, coalesce(reservation_id, 0) AS id FROM retail.reserve('A', 'S1', 1, 'app') \gset
\if :ok
\shell echo :id >> :told
\endif
EOS
	abort => <<'EOS',
BEGIN;
SELECT outcome FROM retail.reserve('A', 'S1', 2, 'app');
ROLLBACK;
EOS
	savepoint => <<'EOS',
BEGIN;
SAVEPOINT a;
SELECT outcome FROM retail.reserve('A', 'S1', 3, 'app');
SAVEPOINT b;
SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app');
RELEASE b;
ROLLBACK TO a;
SELECT (outcome = 'held')::int AS ok, coalesce(reservation_id, 0) AS id FROM retail.reserve('A', 'S1', 1, 'app') \gset
COMMIT;
EOS
	repeatable => <<'EOS',
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM retail.stock;
SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app');
COMMIT;
EOS
	life => <<'EOS',
SELECT (outcome = 'held')::int AS ok, coalesce(reservation_id, 0) AS id FROM retail.reserve('A', 'S1', 1, 'app') \gset
\if :ok
BEGIN;
SELECT outcome FROM retail.confirm(:id);
SELECT outcome FROM retail.consume(:id);
COMMIT;
\endif
EOS
	give_back => <<'EOS',
SELECT (outcome = 'held')::int AS ok, coalesce(reservation_id, 0) AS id FROM retail.reserve('A', 'S1', 2, 'app') \gset
\if :ok
SELECT outcome FROM retail.release(:id);
\endif
EOS
	lapse => <<'EOS',
SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app', '1 second');
EOS
	basket => <<'EOS',
\set holder random(1, 40)
SELECT outcome FROM retail.reserve_lines(ARRAY[('B', 'S1', 1), ('A', 'S1', 1)]::retail.line[], 'app', '1 second', 'basket ' || :holder);
EOS
	caught => <<'EOS',
DO $$
BEGIN
    PERFORM retail.reserve('A', 'S1', 1, 'app');
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
    NULL;
END $$;
EOS
	dropped => "SELECT count(*) FROM retail.reservation WHERE status = 'held' AND expires_at < retail.now();\n",
);
my %weight = (
	hold => 8, abort => 4, savepoint => 4, repeatable => 3, life => 6, give_back => 5,
	lapse => 3, basket => 3, caught => 2, dropped => 1);
my %scripts;
for my $name (keys %script)
{
	# DO takes no parameters
	$scripts{ write_script($script{$name}) } = $weight{$name};
}

# In one snapshot, at any moment: no more promised than there is.
my $never_above = <<'SQL';
SELECT s.on_hand, s.unavailable, r.qty
FROM retail.stock s,
     LATERAL (SELECT coalesce(sum(qty), 0) AS qty FROM retail.reservation r
              WHERE r.sku_id = s.sku_id AND r.location_id = s.location_id
              AND status IN ('held', 'committed')) r
WHERE r.qty > s.on_hand - s.unavailable;
SQL

sub sale
{
	my ($db, $seconds, $disturb) = @_;
	my $watcher;
	my $above = '';
	my $samples = 0;

	make_retail($node, $db, <<"SQL");
SELECT outcome FROM retail.receive('A', 'S1', $units);
SELECT outcome FROM retail.receive('B', 'S1', 100000);
SQL
	my $run = pgbench_start($node, $db, clients => 64, seconds => $seconds, mode => 'simple',
		scripts => \%scripts, define => { told => $told });
	my $end = time + $seconds;
	my $next = time + 0.5;
	while (time < $end - 0.5)
	{
		my ($status, $out) = try_psql($node, $db, $never_above);
		if ($status == 0)
		{
			$above .= $out;
			$samples++;
		}
		if ($disturb && time > $next)
		{
			$next = time + $disturb->();
		}
		sleep(0.02);
	}
	pgbench_finish($run);
	cmp_ok($samples, '>', 5, "$db: looked $samples times during the sale");
	is($above, '', "$db: at no moment was more promised than there is");
	return $run;
}

# Sells what is left, so that every unit must be somewhere.
sub settle
{
	my ($db) = @_;

	wait_until($node, $db, "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
		"$db: all clients are gone");
	in_balance($node, $db, "$db after the race");

	# the holds of a second must all have lapsed
	wait_until($node, $db, "SELECT count(*) = 0 FROM retail.reservation WHERE status = 'held' AND expires_at BETWEEN retail.now() AND retail.now() + interval '2 seconds'",
		"$db: short holds have lapsed");
	$node->safe_psql($db, "SELECT retail.expire_reservations(1000000)");
	$node->safe_psql($db, <<'SQL');
DO $$
BEGIN
    WHILE (retail.reserve('A', 'S1', 1, 'app')).outcome = 'held' LOOP
    END LOOP;
END $$;
SQL
	value_is($node, $db, <<'SQL', "$units|0", "$db: consumed + active = $units, nothing free, nothing lost");
SELECT (SELECT -coalesce(sum(on_hand_delta), 0) FROM retail.movement m JOIN retail.sku ON sku.id = m.sku_id
        WHERE kind = 'shipment' AND sku.code = 'A')
     + (SELECT sum(qty) FROM retail.reservation r JOIN retail.sku ON sku.id = r.sku_id
        WHERE r.status IN ('held', 'committed') AND sku.code = 'A'),
       retail.available('A', 'S1')
SQL
	value_is($node, $db, "SELECT s.on_hand + (SELECT count(*) FROM retail.movement m WHERE m.sku_id = s.sku_id AND kind = 'shipment') FROM retail.stock s JOIN retail.sku ON sku.id = sku_id WHERE code = 'A'",
		$units, "$db: what left the shelf is what was shipped");
	in_balance($node, $db, "$db sold out");
	return;
}

# Every id a client was told must be there.
sub nothing_told_is_lost
{
	my ($db) = @_;
	my @ids = -e $told ? split /\n/, slurp_file($told) : ();

	cmp_ok(scalar @ids, '>', 0, "$db: " . scalar(@ids) . ' clients were told of a hold');
	value_is($node, $db, 'SELECT count(*) FROM unnest(ARRAY['
		  . join(',', grep { /^\d+$/ } @ids) . ']::bigint[]) id WHERE NOT EXISTS (SELECT FROM retail.reservation r WHERE r.id = id)',
		'0', "$db: every one of these holds is there");
	unlink $told;
	return;
}

my $long = full_run() ? 60 : 6;

my $run = sale('calm', $long);
is($run->{status}, 0, 'calm: no client met an error') or diag($run->{err});
settle('calm');
nothing_told_is_lost('calm');

$run = sale('terminated', $long, sub {
	$node->psql('postgres', <<'SQL');
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = 'terminated' AND backend_type = 'client backend' ORDER BY random() LIMIT 2
SQL
	return 0.3;
});
isnt($run->{status}, 0, 'terminated: clients met the end of their sessions');
settle('terminated');
nothing_told_is_lost('terminated');

# SIGKILL of one backend: the server makes its shared memory anew.  Not before a
# client was told of a hold, however slowly the clients connect: what is to be
# found afterwards has to be there first.
my $killed = 0;
sale('killed', $long, sub {
	return 100 if $killed;
	return 0.05 unless -s $told;
	my $pid = '';
	$node->psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE datname = 'killed' AND backend_type = 'client backend' ORDER BY random() LIMIT 1",
		stdout => \$pid);
	if ($pid =~ /^\d+$/)
	{
		kill 'KILL', $pid;
		$killed = 1;
	}
	return 0.1;
});
is($killed, 1, 'killed: a server process was killed');
wait_until($node, 'postgres', "SELECT true", 'killed: the server is back');
settle('killed');
nothing_told_is_lost('killed');

# The same sale where every call is a retry of others: as many keys as units,
# so that no call may ever be refused, whoever of the callers came first.
make_retail($node, 'retries', "SELECT outcome FROM retail.receive('C', 'S1', 300);");
$run = pgbench_start($node, 'retries', clients => 32, seconds => full_run() ? 20 : 4, scripts => {
	write_script(<<'EOS') => 1,
\set key random(1, 300)
SELECT 1 / (outcome = 'held')::int AS must_hold FROM retail.reserve('C', 'S1', 1, 'app', request_key => 'order ' || :key);
EOS
});
pgbench_finish($run);
is($run->{status}, 0, 'retries: no retry was refused, also not of the call that got the last unit')
  or diag($run->{err});
value_is($node, 'retries', 'SELECT count(*) = count(DISTINCT id) AND sum(qty) <= 300 FROM retail.reservation', 't',
	'retries: one hold per key');
in_balance($node, 'retries', 'retries');

$node->stop;
done_testing();
