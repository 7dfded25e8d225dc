# Loads, claims, sweeps and look-ups never see row security: a clerk who is
# shown no reservation at all must not load a wrong counter for everybody.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

# Without the background worker, which looks for lapsed holds of a stock that is
# sold out, too: a buyer who meets it at that is told busy, and rightly so.
my $node = retail_node('policy', settings => "pg_retail.flag_worker = off\n");

make_retail($node, 'shop', <<'SQL');
CREATE ROLE clerk LOGIN;
SELECT retail.grant_access('clerk', 'clerk');
SELECT outcome FROM retail.receive('A', 'S1', 5);
SELECT outcome FROM retail.reserve('A', 'S1', 4, 'app', '1 hour', 'member 1');
ALTER TABLE retail.reservation ENABLE ROW LEVEL SECURITY;
CREATE POLICY nobody_sees ON retail.reservation FOR SELECT USING (false);
CREATE POLICY anybody_writes ON retail.reservation FOR INSERT WITH CHECK (true);
CREATE POLICY anybody_changes ON retail.reservation FOR UPDATE USING (true);
SQL

sub clerk
{
	my ($sql) = @_;
	return "SET SESSION AUTHORIZATION clerk;\n$sql";
}

for my $force ('NO FORCE', 'FORCE')
{
	$node->safe_psql('shop', "ALTER TABLE retail.reservation $force ROW LEVEL SECURITY; SELECT retail.reset_cells()");
	value_is($node, 'shop', clerk("SELECT retail.available('A', 'S1')"), '1',
		"$force: the clerk's available() without a counter counts hidden holds");
	value_is($node, 'shop', clerk("SELECT outcome, available FROM retail.reserve('A', 'S1', 2, 'app')"), 'insufficient|1',
		"$force: the clerk's first touch counts hidden holds");
	value_is($node, 'shop', "SELECT retail.available('A', 'S1')", '1', "$force: and so do others after him");
}
is($node->safe_psql('shop', clerk("SELECT count(*) FROM retail.reservation")), '0', 'the policy does hide every reservation');

value_is($node, 'shop', clerk("SELECT outcome, available FROM retail.reserve('A', 'S1', 1, 'app', '1 hour', 'member 2')"),
	'held|0', 'the clerk sells the last unit');
is($node->safe_psql('shop', "SELECT actor FROM retail.reservation WHERE holder = 'member 2'"), 'clerk', 'in his name');
in_balance($node, 'shop', 'a clerk who sees nothing');

# He acts on reservations he cannot see, by their id.
my $id = $node->safe_psql('shop', "SELECT id FROM retail.reservation WHERE holder = 'member 2'");
value_is($node, 'shop', clerk("SELECT outcome FROM retail.extend($id, '2 hours')"), 'extended', 'extend()');
value_is($node, 'shop', clerk("SELECT outcome FROM retail.confirm($id)"), 'committed', 'confirm()');
value_is($node, 'shop', clerk("SELECT outcome FROM retail.cancel($id)"), 'cancelled', 'cancel()');
value_is($node, 'shop', clerk("SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app', '1 hour', 'member 1')"), 'held',
	'a new hold replaces a hidden one of its holder');
value_is($node, 'shop', "SELECT sum(qty) FROM retail.reservation WHERE status = 'held'", '1', 'and nothing but it is held');

# A claim by the clerk.
$node->safe_psql('shop', "SELECT outcome FROM retail.reserve('A', 'S1', 4, 'app', '1 second', 'member 3')");
wait_until($node, 'shop', "SELECT retail.available('A', 'S1') = 4", 'a hold has lapsed');
value_is($node, 'shop', clerk("SELECT outcome FROM retail.reserve('A', 'S1', 3, 'app', '1 hour', 'member 4')"), 'held',
	'the clerk claims lapsed holds that he cannot see');
value_is($node, 'shop', "SELECT status FROM retail.reservation WHERE holder = 'member 3'", 'expired', 'and they are expired');
in_balance($node, 'shop', 'claims by a clerk');

# A sweep by whoever may run one.
$node->safe_psql('shop', "CREATE ROLE operator LOGIN; SELECT retail.grant_access('operator', 'operator')");
$node->safe_psql('shop', "SELECT outcome FROM retail.reserve('A', 'S1', 1, 'app', '1 second', 'member 5')");
wait_until($node, 'shop', "SELECT expires_at < retail.now() FROM retail.reservation WHERE holder = 'member 5'", 'another hold has lapsed');
value_is($node, 'shop', "SET SESSION AUTHORIZATION operator;\nSELECT retail.expire_reservations()", '1',
	'a sweep finds what its caller cannot see');

# What access levels must not do by hand.
for my $role (qw(clerk operator))
{
	my ($out, $err);
	$node->psql('shop', "SET SESSION AUTHORIZATION $role;\n\\set VERBOSITY sqlstate\nUPDATE retail.stock SET on_hand = 100",
		stdout => \$out, stderr => \$err);
	like($err, qr/42501|RT008/, "$role cannot write stock by hand");
}
my ($out, $err);
$node->psql('shop', "CREATE ROLE stranger LOGIN;\nSET SESSION AUTHORIZATION stranger;\n\\set VERBOSITY sqlstate\nSELECT retail.reserve('A', 'S1', 1, 'app')",
	stdout => \$out, stderr => \$err);
like($err, qr/42501/, 'a role without grant_access() reserves nothing');

# Policies restrict what is read.  What the functions write they write for the
# business, whatever a policy would let their caller write by hand.
$node->safe_psql('shop', <<'SQL');
DROP POLICY anybody_writes ON retail.reservation;
CREATE POLICY own_shop ON retail.reservation FOR INSERT
    WITH CHECK (location_id = (SELECT id FROM retail.location WHERE code = 'S1'));
SELECT outcome FROM retail.receive('A', 'S2', 5);
SQL
for my $shop (qw(S1 S2))
{
	value_is($node, 'shop', clerk("SELECT outcome FROM retail.reserve('A', '$shop', 1, 'app')"), 'held', "a clerk sells in $shop");
}
in_balance($node, 'shop', 'policies with checks');

$node->stop;
done_testing();
