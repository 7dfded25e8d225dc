# 64 clients place orders of five lines over 20 hot SKUs, each in its own
# order, and pay, cancel, reject, abort and die meanwhile.  No deadlock, no
# unit sold twice, and every order a client was told of is there, once.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

my $node = retail_node('crossed', settings => <<'EOC');
restart_after_crash = on
deadlock_timeout = 100ms
EOC

# What clients were told, kept outside the server.
my $told = scratch_file('told');
my $log_seen = 0;

my $place = <<'EOS';
\set n random(1, 1000000000000)
\set a random(1, 20)
\set b random(1, 20)
\set c random(1, 20)
\set d random(1, 20)
\set e random(1, 20)
\set q random(1, 2)
\set x random(1, 3)
EOS
my $call = <<'EOS';
SELECT bool_and(outcome = 'placed')::int AS ok FROM retail.place_order('app', 'o' || :client_id || '-' || :n, ARRAY[('K' || :a, NULL, :q), ('K' || :b, NULL, 1), ('K' || :c, NULL, 1), ('K' || :d, NULL, 1), ('K' || :e, NULL, 1)]::retail.line[], 121 + :x * 0.01, 31, 'express') \gset
EOS
my $tell = "\\shell echo :client_id :n >> :told\n";
my %script = (
	buy => "$place$call\\if :ok\n$tell\\endif\n",
	again => <<"EOS",
$place@{[ $call =~ s/'express'\)/'express', request_key => 'k' || :client_id || '-' || :n)/r ]}
\\if :ok
$tell@{[ $call =~ s/'express'\)/'express', request_key => 'k' || :client_id || '-' || :n)/r ]}
SELECT 1 / :ok AS must_be_the_same;
\\endif
EOS
	pay => "$place$call\\if :ok\nSELECT count(*) FROM retail.confirm_order('app', 'o' || :client_id || '-' || :n);\n$tell\\endif\n",
	cancel => <<"EOS",
$place$call\\if :ok
$tell
SELECT count(*) FROM retail.confirm_order('app', 'o' || :client_id || '-' || :n);
\\set line random(1, 5)
SELECT count(*) FROM retail.cancel_order('app', 'o' || :client_id || '-' || :n, line_no => :line);
SELECT count(*) FROM retail.cancel_order('app', 'o' || :client_id || '-' || :n);
\\endif
EOS
	reject => <<"EOS",
$place$call\\if :ok
$tell
SELECT count(*) FROM retail.confirm_order('app', 'o' || :client_id || '-' || :n);
SELECT (retail.advance(min(f.id), 'reject', 'busy')).outcome FROM retail.fulfilment_order f JOIN retail.sales_order o ON o.id = f.order_id WHERE o.order_ref = 'o' || :client_id || '-' || :n;
SELECT count(*) FROM retail.cancel_order('app', 'o' || :client_id || '-' || :n);
\\endif
EOS
	abort => "${place}BEGIN;\n${call}ROLLBACK;\n",
	savepoint => <<"EOS",
${place}BEGIN;
SAVEPOINT s;
${call}ROLLBACK TO s;
SAVEPOINT t;
$call
\\if :ok
RELEASE t;
COMMIT;
$tell
\\else
ROLLBACK;
\\endif
EOS
);
my %weight = (buy => 4, again => 2, pay => 3, cancel => 4, reject => 3, abort => 3, savepoint => 3);
my %scripts = map { write_script($script{$_}) => $weight{$_} } keys %script;

sub deadlocks
{
	my $log = substr(slurp_file($node->logfile), $log_seen);
	my $n = () = $log =~ /deadlock detected/g;

	$log_seen += length $log;
	return $n;
}

sub sale
{
	my ($db, $seconds, $more, $disturb) = @_;
	my ($next, $end);

	make_retail($node, $db, <<"SQL");
INSERT INTO retail.sku (code, name) SELECT 'K' || i, 'Kind ' || i FROM generate_series(1, 20) i;
SELECT count(retail.receive('K' || i, 'S' || j, 12 + (i * j) % 7)) FROM generate_series(1, 20) i, generate_series(1, 3) j;
$more
SQL
	deadlocks();
	my $run = pgbench_start($node, $db, clients => 64, seconds => $seconds, mode => 'simple',
		scripts => \%scripts, define => { told => $told });
	$next = time + $seconds / 2;
	$end = time + $seconds;
	while (time < $end - 0.5)
	{
		$next = time + $disturb->() if $disturb && time > $next && -s $told;
		sleep(0.05);
	}
	pgbench_finish($run);
	wait_until($node, $db, "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
		"$db: all clients are gone");
	return $run;
}

sub settle
{
	my ($db) = @_;
	my @refs = -e $told ? map { /^(\d+) (\d+)$/ ? "'o$1-$2'" : () } split /\n/, slurp_file($told) : ();

	cmp_ok(scalar @refs, '>', 0, "$db: clients were told of " . scalar(@refs) . ' orders');
	value_is($node, $db, 'SELECT count(*) FROM unnest(ARRAY[' . join(',', @refs) . ']::text[]) r '
		  . 'WHERE (SELECT count(*) FROM retail.sales_order o WHERE o.order_ref = r) <> 1'
		  . ' OR (SELECT count(*) FROM retail.order_line l JOIN retail.sales_order o ON o.id = l.order_id WHERE o.order_ref = r) <> 5',
		'0', "$db: every one of these orders is there once, with its lines");
	unlink $told;
	in_balance($node, $db, $db);
	value_is($node, $db, <<'SQL', '', "$db: no unit is held but for a line of an open parcel");
SELECT r.id, r.qty, r.status FROM retail.reservation r
WHERE r.status IN ('held', 'committed') AND NOT EXISTS (
    SELECT FROM retail.fulfilment_line l JOIN retail.fulfilment_order f ON f.id = l.fulfilment_id
    WHERE l.reservation_id = r.id AND l.qty = r.qty AND f.state IN ('new', 'routed'))
LIMIT 5
SQL
	value_is($node, $db, <<'SQL', '', "$db: what came in is there, or promised once");
SELECT s.sku_id, s.location_id, s.on_hand, retail.available(k.code, w.code), r.qty
FROM retail.stock s JOIN retail.sku k ON k.id = s.sku_id JOIN retail.location w ON w.id = s.location_id,
    LATERAL (SELECT coalesce(sum(qty), 0) AS qty FROM retail.reservation r
             WHERE r.sku_id = s.sku_id AND r.location_id = s.location_id AND r.status IN ('held', 'committed')) r
WHERE s.on_hand - s.unavailable <> retail.available(k.code, w.code) + r.qty
SQL
	return;
}

my $long = full_run() ? 60 : 6;

my $run = sale('calm', $long, '');
is($run->{status}, 0, 'calm: no client met an error') or diag($run->{err});
is(deadlocks(), 0, 'calm: no deadlock');
value_is($node, 'calm', "SELECT bool_or(retail.available('K' || i, 'S1') < 3) FROM generate_series(1, 20) i", 't', 'calm: units were scarce');
settle('calm');

# Places of a day are what placed orders wait for, in order of location; nobody
# waits to give one back.  (pgbench does not end at a deadlock: the log counts.)
# There are enough units, so that orders go on crossing to the end.
$run = sale('counted', $long, <<'SQL');
UPDATE retail.location SET daily_capacity = 1000000;
SELECT count(retail.receive('K' || i, 'S' || j, 1000)) FROM generate_series(1, 20) i, generate_series(1, 3) j;
SQL
is($run->{status}, 0, 'counted: no client met another error') or diag(substr($run->{err}, 0, 2000));
is(deadlocks(), 0, 'counted: no deadlock');
settle('counted');

sale('terminated', $long, '', sub {
	# sessions of this server, and of this sale
	$node->psql('postgres', <<'SQL');
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = 'terminated' AND backend_type = 'client backend' ORDER BY random() LIMIT 2
SQL
	return 0.3;
});
is(deadlocks(), 0, 'terminated: no deadlock');
settle('terminated');

# SIGKILL of one backend: the server makes its shared memory anew.
my $killed = 0;
sale('killed', $long, '', sub {
	return 100 if $killed;
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
is(deadlocks(), 0, 'killed: no deadlock');
settle('killed');

$node->stop;
done_testing();
