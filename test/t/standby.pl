# A hot standby computes from tables and never loads a cell; promotion does
# not make shared memory anew, so what it had read must not be what it sells.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

my $primary = retail_node('primary', init => { allows_streaming => 1 });

make_retail($primary, 'shop', <<'SQL');
SELECT outcome FROM retail.receive('A', 'S1', 10);
SELECT outcome FROM retail.receive('B', 'S1', 5);
SELECT outcome FROM retail.reserve('A', 'S1', 3, 'app');
SQL
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

value_is($standby, 'shop', "SELECT retail.available('A', 'S1')", '7', 'available() on a standby');
value_is($standby, 'shop', "SELECT retail.available('A', 'S1', 'app')", '7', 'available() of a channel on a standby');
value_is($standby, 'shop', "SELECT retail.pool('A')::text = retail.pool('A', 'app')::text", 't', 'pool() on a standby');
value_is($standby, 'shop', "SELECT count(*) FROM retail.verify()", '0', 'verify() on a standby');
allowed($standby, 'shop', 'SELECT * FROM retail.status()', 'status() on a standby');
for my $call ("retail.reserve('A', 'S1', 1, 'app')", "retail.sell('A', 'S1', 1)", 'retail.confirm(1)',
	"retail.receive('A', 'S1', 1)")
{
	refused($standby, 'shop', "SELECT * FROM $call", '25006', qr/read-only|recovery/, "$call on a standby is refused in clear words");
}

# A hold lapses by the clock of the standby, with nobody writing its status:
# one unit stays free, so that no worker of the primary looks after the flag.
$primary->safe_psql('shop', "SELECT outcome FROM retail.reserve('B', 'S1', 4, 'app', '2 seconds')");
$primary->wait_for_catchup($standby);
wait_until($standby, 'shop', "SELECT retail.available('B', 'S1') = 5", 'a lapsed hold does not block a sale on a standby');
value_is($standby, 'shop', "SELECT r.status FROM retail.reservation r JOIN retail.sku ON sku.id = sku_id WHERE code = 'B'",
	'held', '... although nobody has written its status');

# Read, then change the truth behind it, then promote.
for my $code (qw(A B))
{
	$standby->safe_psql('shop', "SELECT retail.available('$code', 'S1')");
}
$primary->safe_psql('shop', "SELECT outcome FROM retail.reserve('A', 'S1', 6, 'app')");
$primary->wait_for_catchup($standby);
value_is($standby, 'shop', "SELECT retail.available('A', 'S1')", '1', 'the standby follows');
value_is($standby, 'shop', "SELECT avail IS NULL FROM retail._cell((SELECT id FROM retail.sku WHERE code = 'A'), (SELECT id FROM retail.location WHERE code = 'S1'))",
	't', 'the standby has loaded no counter');
my $reader = session($standby, 'shop');
$reader->ask("SELECT retail.available('A', 'S1')");
$primary->stop;
$standby->promote;
is($reader->ask("SELECT outcome FROM retail.reserve('A', 'S1', 2, 'app')"), 'insufficient',
	'after promotion: what the primary sold is sold, in a session that had read before');
value_is($standby, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')", 'held', 'after promotion: the last unit');
value_is($standby, 'shop', "SELECT outcome FROM retail.reserve('B', 'S1', 5, 'app')", 'held', 'after promotion: a lapsed hold is spent');
value_is($standby, 'shop', "SELECT r.status, count(*) FROM retail.reservation r JOIN retail.sku ON sku.id = sku_id WHERE code = 'B' GROUP BY 1 ORDER BY 1",
	"expired|1\nheld|1", 'after promotion: and says so');
$reader->end;
in_balance($standby, 'shop', 'promoted');

$standby->stop;
done_testing();
