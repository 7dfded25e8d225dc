# Immediate stop with unflushed commits and open transactions, and an ordinary
# restart: the counters come back as what the tables say.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

my $node = retail_node('crash', settings => "synchronous_commit = off\nwal_writer_delay = 10s\nfsync = on\n");

make_retail($node, 'shop', <<'SQL');
SELECT outcome FROM retail.receive('A', 'S1', 1000000);
SELECT outcome FROM retail.receive('B', 'S1', 3);
CHECKPOINT;
SQL

for my $round (1 .. 3)
{
	my $run = pgbench_start($node, 'shop', clients => 8, seconds => 30, mode => 'simple', scripts => {
		write_script(<<'EOS') => 1 });
SELECT (outcome = 'held')::int AS ok, coalesce(reservation_id, 0) AS id FROM retail.reserve('A', 'S1', 1, 'app', '1 hour') \gset
\if :ok
SELECT outcome FROM retail.confirm(:id);
SELECT outcome FROM retail.consume(:id);
SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app', '1 hour');
\endif
EOS
	my $open = session($node, 'shop');
	$open->ask('BEGIN');
	like($open->ask("SELECT outcome FROM retail.reserve('B', 'S1', 1, 'app')"), qr/held/,
		"crash $round: a transaction is open");
	sleep(1);
	$node->stop('immediate');
	pgbench_finish($run);
	$open->end;
	$node->start;
	in_balance($node, 'shop', "crash $round, before the counters are loaded");
	value_is($node, 'shop', <<'SQL', 't', "crash $round: what came is on hand or was shipped");
SELECT s.on_hand = 1000000 - (SELECT count(*) FROM retail.movement WHERE kind = 'shipment')
   AND (SELECT count(*) FROM retail.movement WHERE kind = 'shipment')
     = (SELECT count(*) FROM retail.reservation WHERE status = 'consumed')
FROM retail.stock s JOIN retail.sku ON sku.id = s.sku_id WHERE sku.code = 'A'
SQL
	value_is($node, 'shop', "SELECT retail.available('B', 'S1')", '3', "crash $round: the open transaction left nothing");
	value_is($node, 'shop', <<'SQL', 'held|insufficient', "crash $round: exactly what is free can be held");
WITH free AS MATERIALIZED (SELECT retail.available('A', 'S1') AS qty)
SELECT (SELECT outcome FROM retail.reserve('A', 'S1', qty, 'app')),
       (SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')) FROM free
SQL
	$node->safe_psql('shop', "SELECT outcome FROM retail.release((SELECT max(id) FROM retail.reservation WHERE status = 'held'))");
	in_balance($node, 'shop', "crash $round");
}

# An ordinary restart changes nothing, and forgets the test clock.
$node->safe_psql('shop', "SELECT outcome FROM retail.reserve('B', 'S1', 2, 'app', '1 hour')");
my $figures = 'SELECT sku.code, location.code, retail.available(sku.code, location.code) FROM retail.sku, retail.location ORDER BY 1, 2';
my $before = $node->safe_psql('shop', $figures);
$node->safe_psql('shop', "SET pg_retail.clock = '2035-01-01'");
value_is($node, 'shop', 'SELECT extract(year FROM retail.now())', '2035', 'the test clock holds in every session');
$node->restart;
value_is($node, 'shop', $figures, $before, 'a restart changes nothing');
value_is($node, 'shop', 'SELECT extract(year FROM retail.now()) < 2035', 't', 'a restart forgets the test clock');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('B', 'S1', 2, 'app')", 'insufficient', 'a restart keeps holds');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('B', 'S1', 1, 'app')", 'held', 'a restart keeps what is free');
in_balance($node, 'shop', 'restart');

$node->stop;
done_testing();
