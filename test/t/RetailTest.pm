# What the TAP tests share: servers with pg_retail preloaded, seeded databases,
# sessions that stay open, and the questions every test ends with.
package RetailTest;

use strict;
use warnings;
use Exporter 'import';
use Test::More;
use Time::HiRes qw(sleep time);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(
  retail_node make_retail try_psql session refused allowed in_balance value_is
  wait_until pgbench_start pgbench_finish write_script scratch_file full_run
);

# The long version of a test, for a machine with time: RETAIL_FULL=1.
sub full_run
{
	return $ENV{RETAIL_FULL} ? 1 : 0;
}

# A running server.  settings: lines for postgresql.conf; preload => 0 leaves
# the library out; init: options for PostgreSQL::Test::Cluster->init.
sub retail_node
{
	my ($name, %opt) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%{ $opt{init} || {} }, extra => [ '--locale=C', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf', "max_connections = 100\nautovacuum = off\n");
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_retail'\n")
	  unless defined $opt{preload} && !$opt{preload};
	$node->append_conf('postgresql.conf', $opt{settings}) if $opt{settings};
	$node->start;
	return $node;
}

# A database with the extension, after init(), with master data:
# channels app and shop, locations S1 .. S3, SKUs A, B and C, and whatever
# SQL is given.
sub make_retail
{
	my ($node, $db, $sql) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, <<'SQL');
SET client_min_messages = warning;
CREATE EXTENSION pg_retail CASCADE;
SELECT count(*) FROM retail.init();
INSERT INTO retail.channel (code, name, kind) VALUES ('app', 'App', 'online'), ('shop', 'Shop', 'store');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone)
SELECT 'S' || i, 'Shop ' || i, 'store', 121 + i * 0.01, 31, 'UTC' FROM generate_series(1, 3) i;
INSERT INTO retail.sku (code, name) VALUES ('A', 'Apple'), ('B', 'Banana'), ('C', 'Cherry');
SQL
	$node->safe_psql($db, $sql) if $sql;
	return;
}

# The status of a psql, and what it said, of a server that may be down: one that
# cannot connect ends before it has read its question, which to the sender is a
# broken pipe.
sub try_psql
{
	my ($node, $db, $sql) = @_;
	my ($out, $err) = ('', '');
	my $status = eval { $node->psql($db, $sql, stdout => \$out, stderr => \$err) };

	return (-1, '', "$@") unless defined $status;
	return ($status, $out, $err);
}

# A psql that stays: ->ask(sql) returns its output and keeps its complaints in
# ->{complaint}, ->start(sql) does not wait, ->finish waits for what was
# started, ->end leaves.
sub session
{
	my ($node, $db, %opt) = @_;
	my $psql = $node->background_psql($db, on_error_stop => 0, %opt);

	$psql->query('\set VERBOSITY verbose');
	return bless { psql => $psql, complaint => '' }, 'RetailTest::Session';
}

# The statement fails with this SQLSTATE, and its words match.
sub refused
{
	my ($node, $db, $sql, $state, $words, $name) = @_;
	my ($out, $err);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$node->psql($db, "\\set VERBOSITY verbose\n$sql", stdout => \$out, stderr => \$err);
	my $fits = $err =~ /ERROR:\s+\Q$state\E:/ && $err =~ $words;
	ok($fits, $name) or diag("expected $state and $words, got:\n$err\n$out");
	return $fits;
}

sub allowed
{
	my ($node, $db, $sql, $name) = @_;
	my ($out, $err);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $status =
	  $node->psql($db, $sql, stdout => \$out, stderr => \$err, on_error_stop => 1);

	ok($status == 0, $name) or diag("failed: $err");
	return $out;
}

sub value_is
{
	my ($node, $db, $sql, $value, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($out, $err);

	$node->psql($db, $sql, stdout => \$out, stderr => \$err);
	my $fits = is($out, $value, $name);
	diag($err) if !$fits && $err;
	return $fits;
}

# What must be true at rest, recomputed from the tables here, without trusting
# verify(), and then verify() itself.
sub in_balance
{
	my ($node, $db, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	value_is($node, $db, <<'SQL', '', "$name: nothing is promised twice");
SELECT s.sku_id, s.location_id, s.on_hand, s.unavailable, r.qty
FROM retail.stock s
JOIN (SELECT sku_id, location_id, sum(qty) AS qty FROM retail.reservation
      WHERE status IN ('held', 'committed') GROUP BY 1, 2) r USING (sku_id, location_id)
WHERE r.qty > s.on_hand - s.unavailable
SQL
	settled_is_empty($node, $db, <<'SQL', "$name: the counters are what the tables say");
WITH active AS MATERIALIZED (
    SELECT sku_id, location_id, sum(qty) AS qty FROM retail.reservation
    WHERE status IN ('held', 'committed') GROUP BY 1, 2
), cell AS MATERIALIZED (
    SELECT s.sku_id, s.location_id, s.on_hand - s.unavailable AS sellable, c.*
    FROM retail.stock s, retail._cell(s.sku_id, s.location_id) c WHERE c.avail IS NOT NULL
)
SELECT c.sku_id, c.location_id, c.avail, c.sellable - coalesce(a.qty, 0), c.in_flight, c.pins
FROM cell c LEFT JOIN active a USING (sku_id, location_id)
WHERE c.avail <> c.sellable - coalesce(a.qty, 0) OR c.in_flight <> 0 OR c.pins <> 0
SQL
	return value_is($node, $db, 'SELECT check_name, sku, location, expected, found FROM retail.verify()',
		'', "$name: verify() finds nothing");
}

# No rows; asked again for a while, because the background worker may be looking
# at a counter at this very moment.
sub settled_is_empty
{
	my ($node, $db, $sql, $name) = @_;
	my ($out, $err);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	for (1 .. 100)
	{
		$node->psql($db, $sql, stdout => \$out, stderr => \$err);
		last if $out eq '' && $err eq '';
		sleep(0.05);
	}
	my $fits = is($out, '', $name);
	diag($err) if $err;
	return $fits;
}

# Waits until the query says "t"; the limit is only there to end a test that
# has failed.
sub wait_until
{
	my ($node, $db, $sql, $name, $limit_s) = @_;
	my $limit = time + ($limit_s || $PostgreSQL::Test::Utils::timeout_default);
	my ($out, $err) = ('', '');
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	while (time < $limit)
	{
		(undef, $out, $err) = try_psql($node, $db, $sql);
		last if $out eq 't';
		sleep(0.05);
	}
	return is($out, 't', $name);
}

my $files = 0;

sub scratch_file
{
	my ($suffix) = @_;
	return $PostgreSQL::Test::Utils::tmp_check . "/retail_$$" . '_' . ++$files . ".$suffix";
}

sub write_script
{
	my ($text) = @_;
	my $file = scratch_file('sql');

	open my $out, '>', $file or die "$file: $!";
	print $out $text;
	close $out;
	return $file;
}

# pgbench in the background; its exit status is of no interest where sessions
# are killed on purpose.  scripts: file => weight.
sub pgbench_start
{
	my ($node, $db, %opt) = @_;
	my @command = (
		'pgbench', '-n', '-h', $node->host, '-p', $node->port,
		'-c', $opt{clients}, '-j', 2, '-M', $opt{mode} || 'prepared');
	my %run = (out => '', err => '');

	push @command, '-t', $opt{transactions} if $opt{transactions};
	push @command, '-T', $opt{seconds} if $opt{seconds};
	push @command, map { ('-D', "$_=$opt{define}{$_}") } sort keys %{ $opt{define} || {} };
	push @command, map { ('-f', "$_\@$opt{scripts}{$_}") } sort keys %{ $opt{scripts} };
	push @command, $db;
	$run{handle} = IPC::Run::start(\@command, '<', \undef, '>', \$run{out}, '2>', \$run{err});
	return \%run;
}

sub pgbench_finish
{
	my ($run) = @_;

	IPC::Run::finish($run->{handle});
	$run->{status} = $? >> 8;
	return $run;
}

package RetailTest::Session;

use strict;
use warnings;

# Output and complaints of one query; a "psql" of PostgreSQL 15 does not clear
# the complaints between queries.
sub ask
{
	my ($self, $sql) = @_;
	my $psql = $self->{psql};

	$psql->{stderr} = '';
	my ($out) = $psql->query($sql);
	$self->{complaint} = $psql->{stderr};
	$psql->{stderr} = '';
	return $out;
}

# Sends without waiting, and returns when the server works on it or waits.
sub start
{
	my ($self, $sql) = @_;
	my $psql = $self->{psql};

	$psql->{stderr} = '';
	$self->{started} = '';
	$psql->query_until(qr/^started$/m, "\\echo started\n$sql;\n");
	return;
}

# The output of what was started.
sub finish
{
	my ($self) = @_;
	my $out = $self->ask('SELECT 1 WHERE false');

	return $out;
}

sub pid
{
	my ($self) = @_;
	$self->{pid} //= $self->ask('SELECT pg_backend_pid()');
	return $self->{pid};
}

sub end
{
	my ($self) = @_;
	eval { $self->{psql}->quit; };
	return;
}

1;
