# A cell table of a thousand against many more keys: counters come and go,
# pinned ones stay, and a table full of pinned ones says so.
# In full (RETAIL_FULL=1): two million distinct keys.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

my $keys = full_run() ? 2_000_000 : 30_000;
my $per_call = 400;
my $node = retail_node('eviction', settings => "pg_retail.max_cells = 1000\nmax_wal_size = 4GB\n");

make_retail($node, 'shop', <<"SQL");
INSERT INTO retail.sku (code, name) SELECT 'K' || i, 'Kind ' || i FROM generate_series(1, $keys) i;
BEGIN;
SELECT retail.bulk_write();
INSERT INTO retail.stock (sku_id, location_id, on_hand)
SELECT sku.id, location.id, 3 FROM retail.sku, retail.location WHERE sku.code LIKE 'K%' AND location.code = 'S1';
COMMIT;
SELECT outcome FROM retail.receive('A', 'S1', 1);
SELECT outcome FROM retail.receive('B', 'S1', 1);
SQL
$node->safe_psql('shop', 'VACUUM ANALYZE retail.stock, retail.sku');

# An open reservation of the last unit, while others walk over all keys.
my $open = session($node, 'shop');
$open->ask('BEGIN');
is($open->ask("SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')"), 'held', 'a transaction holds the last unit');

# Each key is taken twice, in many transactions, by two sessions at once.
my $walk = <<"SQL";
DO \$\$
DECLARE
    held bigint;
BEGIN
    FOR first_key IN 1 .. $keys BY $per_call LOOP
        SELECT count(*) INTO held
        FROM retail.reserve_lines(
            ARRAY(SELECT ROW('K' || i, 'S1', 1)::retail.line
                  FROM generate_series(first_key, least(first_key + $per_call - 1, $keys)) i), 'app', '1 day') r
        WHERE outcome = 'held';
        IF held <> least($per_call, $keys - first_key + 1) THEN
            RAISE 'from %: only %', first_key, held USING ERRCODE = 'P0001';
        END IF;
        COMMIT;
    END LOOP;
END \$\$;
SQL
my @walkers = map { session($node, 'shop') } 1 .. 2;
$_->start($walk) for @walkers;
for my $walker (@walkers)
{
	$walker->finish;
	is($walker->{complaint}, '', "a walk over $keys keys, $per_call at a time");
}
value_is($node, 'shop', 'SELECT count(*), sum(qty) FROM retail.reservation', 2 * $keys . '|' . 2 * $keys, 'every line is there');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')", 'busy',
	'the counter of an open reservation was not evicted');
is($open->ask('COMMIT'), '', 'the open reservation commits');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app')", 'insufficient', 'its unit is gone');

# Each key has one unit left, whether its counter is loaded or was evicted.
$node->safe_psql('shop', $walk);
value_is($node, 'shop', <<'SQL', '0|0', 'then every key is sold out');
SELECT count(*) FILTER (WHERE outcome = 'held'), sum(available)
FROM retail.reserve_lines(ARRAY(SELECT ROW('K' || i * 37, 'S1', 1)::retail.line FROM generate_series(1, 400) i),
    'app', mode => 'best_effort')
SQL
in_balance($node, 'shop', 'evictions');
value_is($node, 'shop', "SELECT count(*) FILTER (WHERE c.avail IS NOT NULL) <= 1000 FROM retail.stock s, retail._cell(s.sku_id, s.location_id) c",
	't', 'never more than a thousand counters') unless full_run();

# Everything pinned by others: a retryable error that names the setting and
# the oldest pinner; readers do not care.
$node->safe_psql('shop', 'BEGIN; SELECT retail.bulk_write(); UPDATE retail.stock SET on_hand = 10; COMMIT');
my @hogs = map { session($node, 'shop') } 1 .. 3;
my $hogged = 0;
for my $hog (@hogs)
{
	my $first = $hogged + 1;
	my $last = $hogged + 400;
	$hog->ask('BEGIN');
	my $got = $hog->ask("SELECT count(*) FROM retail.reserve_lines(ARRAY(SELECT ROW('K' || i, 'S1', 1)::retail.line FROM generate_series($first, $last) i), 'app')");
	$hogged = $last;
	$hog->{failed} = $hog->{complaint};
}
my $oldest = $hogs[0]->pid;
like($hogs[2]{failed}, qr/RT007:.*pg_retail\.max_cells/s, 'a table full of pinned counters names the setting');
like($hogs[2]{failed}, qr/\b$oldest\b/, '... and the oldest pinner');
$hogs[2]->ask('ROLLBACK');
value_is($node, 'shop', "SELECT retail.available('K$keys', 'S1')", '7', 'available() needs no counter');
$hogs[0]->ask('ROLLBACK');
value_is($node, 'shop', "SELECT outcome FROM retail.reserve('K$keys', 'S1', 1, 'app')", 'held', 'a retry after one of them ended');
$hogs[1]->ask('ROLLBACK');
in_balance($node, 'shop', 'a full table');

# A transaction that itself needs too many.
refused($node, 'shop', <<'SQL', 'RT006', qr/pg_retail\.max_pins_per_transaction/, 'too many counters in one transaction names the setting');
SET pg_retail.max_pins_per_transaction = 100;
SELECT count(*) FROM retail.reserve_lines(ARRAY(SELECT ROW('K' || i, 'S1', 1)::retail.line FROM generate_series(1, 101) i), 'app');
SQL
allowed($node, 'shop', <<'SQL', 'exactly as many as the setting says are fine');
SET pg_retail.max_pins_per_transaction = 100;
SELECT count(*) FROM retail.reserve_lines(ARRAY(SELECT ROW('K' || i, 'S1', 1)::retail.line FROM generate_series(1, 100) i), 'app');
SQL
my ($out, $err);
$node->psql('shop', "\\set VERBOSITY verbose\nSELECT count(*) FROM retail.reserve_lines(ARRAY(SELECT ROW('K' || i, 'S1', 1)::retail.line FROM generate_series(1, 1500) i), 'app')",
	stdout => \$out, stderr => \$err);
like($err, qr/ERROR:  RT00[67]:.*pg_retail\.max_/s, 'more counters than there are, in one transaction, names a setting');
in_balance($node, 'shop', 'too many counters');

$_->end for $open, @walkers, @hogs;
$node->stop;
done_testing();
