# Pickup codes against somebody who guesses: from many sessions he gets no
# further than from one, every refusal reads the same, and a code is good once.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

my $node = retail_node('pickup');
my $db = 'desk';
my $alphabet = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
my $orders = 12;

make_retail($node, $db, <<"SQL");
SELECT count(retail.receive('A', 'S' || i, 100)) FROM generate_series(1, 3) i;
CREATE TABLE code (n int, location text, parcel bigint, code text);
DO \$\$
BEGIN
    FOR i IN 1 .. $orders LOOP
        PERFORM retail.place_order('app', 'O' || i, ARRAY[('A', NULL, 1)]::retail.line[], service => 'pickup', location => 'S' || 1 + i % 2);
        INSERT INTO code SELECT i, c.location, c.fulfilment_id, c.pickup_code FROM retail.confirm_order('app', 'O' || i) c;
        PERFORM retail.advance(c.parcel, s) FROM code c, unnest(ARRAY['accept', 'start_picking', 'pack', 'ready']) s
        WHERE c.n = i AND NOT (i = 11 AND s = 'ready');
    END LOOP;
END \$\$;
-- the shopper of order 12 is too late
DO \$\$
BEGIN
    PERFORM retail.bulk_write();
    UPDATE retail.fulfilment_order SET collect_by = retail.now() - interval '1 second' WHERE id = (SELECT parcel FROM code WHERE n = 12);
END \$\$;
SQL

sub code_of
{
	my ($n) = @_;
	return $node->safe_psql($db, "SELECT code FROM code WHERE n = $n");
}

sub place_of
{
	my ($n) = @_;
	return 'S' . (1 + $n % 2);
}

# The whole answer, as one line.
sub collect
{
	my ($location, $code, $key) = @_;
	return $node->safe_psql($db, "SELECT c::text FROM retail.collect('$location', '$code'" . ($key ? ", '$key'" : '') . ') c');
}

# A well-formed code that is not this one.
sub other_code
{
	my ($code) = @_;
	my $near = $code;

	for my $c (split //, $alphabet)
	{
		substr($near, 3, 1) = $c;
		for my $check (split //, $alphabet)
		{
			substr($near, 7, 1) = $check;
			return $near
			  if $near ne $code && substr($near, 0, 7) ne substr($code, 0, 7)
			  && $node->safe_psql($db, "SELECT retail._normal_code('$near') IS NOT NULL") eq 't';
		}
	}
	die 'no other code';
}

# One message, whatever is wrong.
my $first = code_of(2);
like(collect('S1', $first), qr/^\(collected,\d+,app,O2,S1,collected,/, 'the right code is collected');
my %answer = (
	'a used code' => collect('S1', $first),
	'no code at all' => collect('S1', 'please'),
	'an empty code' => collect('S1', ''),
	'a code mistyped' => collect('S1', substr(code_of(4), 0, 7) . (substr(code_of(4), 7) eq 'A' ? 'B' : 'A')),
	'a code nobody has' => collect('S1', other_code(code_of(4))),
	'a code of another store' => collect('S1', code_of(1)),
	'a code of a parcel that is not ready' => collect(place_of(11), code_of(11)) =~ s/S2/S1/r,
	'a code that comes too late' => collect(place_of(12), code_of(12)),
);
is($answer{$_}, '(refused,,,,S1,,,,,f)', "$_ is refused in the same words") for sort keys %answer;

# Guessing from 32 sessions.
my $guess = write_script(<<"EOS");
SELECT (retail.collect('S2', string_agg(substr('$alphabet', 1 + floor(random() * 32)::int, 1), ''))).outcome FROM generate_series(1, 8);
EOS
$node->safe_psql($db, "UPDATE retail.pickup_throttle SET refused_at = '{}'");
my $run = pgbench_finish(pgbench_start($node, $db, clients => 32, transactions => 20, mode => 'simple', scripts => { $guess => 1 }));
is($run->{status}, 0, 'guesses are answered') or diag($run->{err});
value_is($node, $db, "SELECT cardinality(refused_at) FROM retail.pickup_throttle JOIN retail.location w ON w.id = location_id WHERE w.code = 'S2'",
	'20', 'of 640 guesses at once 20 were looked at');
is(collect('S2', code_of(3)), '(refused,,,,S2,,,,,f)', 'then the right code is refused, too');
is(collect('S2', 'please'), '(refused,,,,S2,,,,,f)', 'in the same words');
like(collect('S1', code_of(4)), qr/^\(collected,/, 'another store goes on');
value_is($node, $db, "SELECT count(*) FROM retail.fulfilment_order WHERE state = 'collected'", '2', 'nobody has guessed a code');

# The window passes.
$node->safe_psql($db, "UPDATE retail.pickup_throttle SET within = '1 second'");
sleep(1.2);
like(collect('S2', code_of(3)), qr/^\(collected,/, 'after a while the right code is good again');
$node->safe_psql($db, "UPDATE retail.pickup_throttle SET within = '10 minutes'");

# A code is good once; a retry of the same request is answered again.
my $code = code_of(5);
my $answer = collect('S2', $code, 'till 7');
like($answer, qr/^\(collected,\d+,app,O5,S2,collected,.*,f\)$/, 'collected with a request key');
is(collect('S2', $code, 'till 7'), $answer =~ s/f\)$/t)/r, 'its retry gets the same answer');
is(collect('S2', lc(substr($code, 0, 4)) . '-' . substr($code, 4), 'till 7'), $answer =~ s/f\)$/t)/r, 'however the code is written');
is(collect('S2', $code, 'till 8'), '(refused,,,,S2,,,,,f)', 'another request with this code is refused');
is(collect('S2', $code, 'till 8'), '(refused,,,,S2,,,,,t)', 'and stays so');
is(collect('S2', $code), '(refused,,,,S2,,,,,f)', 'also without a key');
refused($node, $db, "SELECT retail.collect('S2', '" . code_of(7) . "', 'till 7')", 'RT005', qr/request/, 'a key is for one code');

# Many sessions with one right code: the goods leave once.
my $race = write_script(
	"SELECT (outcome = 'collected')::int AS won FROM retail.collect('S2', '" . code_of(7) . "') \\gset\n"
	  . "\\if :won\nINSERT INTO winner VALUES (:client_id);\n\\endif\n");
$node->safe_psql($db, 'CREATE TABLE winner (client int)');
my $before = $node->safe_psql($db, "SELECT sum(on_hand) FROM retail.stock");
pgbench_finish(pgbench_start($node, $db, clients => 16, transactions => 1, mode => 'simple', scripts => { $race => 1 }));
value_is($node, $db, 'SELECT count(*) FROM winner', '1', 'of 16 with the same code one collects');
value_is($node, $db, 'SELECT sum(on_hand) FROM retail.stock', $before - 1, 'and one unit leaves');

# What a thief of the tables gets.
value_is($node, $db, <<'SQL', '0', 'no code is stored in clear');
SELECT count(*) FROM code c
WHERE EXISTS (SELECT FROM retail.fulfilment_order t WHERE t::text ~ c.code)
    OR EXISTS (SELECT FROM retail.order_request t WHERE t::text ~ c.code)
    OR EXISTS (SELECT FROM retail.fulfilment_event t WHERE t::text ~ c.code)
    OR EXISTS (SELECT FROM retail.outbox t WHERE t::text ~ c.code)
SQL
in_balance($node, $db, 'at the end');

$node->stop;
done_testing();
