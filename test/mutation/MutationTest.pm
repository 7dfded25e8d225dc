# What the killers share: a server of the test build, questions to it, and the
# round in which each rule is switched off and a test must notice.
package MutationTest;

use strict;
use warnings;
use Exporter 'import';
use Test::More;
use Time::HiRes qw(sleep);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

our @EXPORT = qw(ask begin_mutation clock end_mutation open_session patience switch_off try_rules without);

my $node;
my $db = 'shop';
my $patience = 20;
my @sessions;

# A server, and a database with master data and whatever SQL is given.
sub begin_mutation
{
	my ($name, $settings, $sql) = @_;

	$node = retail_node($name, settings => $settings);
	make_retail($node, $db, $sql);
	return;
}

sub end_mutation
{
	$node->stop('immediate');
	done_testing();
	return;
}

# What it answers, and the SQLSTATE where it fails.
sub ask
{
	my ($sql) = @_;
	my ($out, $err) = ('', '');

	$node->psql($db, "\\set VERBOSITY sqlstate\n$sql", stdout => \$out, stderr => \$err);
	return $out . ($err =~ /ERROR:\s+(\w+)/ ? $1 : '');
}

# A session that stays until the end of the test.
sub open_session
{
	my $session = session($node, $db);

	push @sessions, $session;
	return $session;
}

sub clock
{
	my ($at) = @_;
	ask("SET pg_retail.clock = '$at'");
	return;
}

# Seconds to wait for what happens in the background.
sub patience
{
	return $patience;
}

sub holds
{
	my ($test) = @_;
	my $holds = eval { $test->(); };

	note($@) if $@;
	$_->end for @sessions;
	@sessions = ();
	ask("SET pg_retail.clock = ''");
	return $holds;
}

sub set_fault
{
	my ($name) = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM SET pg_retail.fault = '$name'");
	$node->reload;
	for (1 .. 100)
	{
		last if $node->safe_psql('postgres', 'SHOW pg_retail.fault') eq $name;
		sleep(0.05);
	}
	return;
}

# Runs code without a rule of C, which has a switch of that name.
sub switch_off
{
	my ($name, $code) = @_;

	set_fault($name);
	my $answer = $code->();
	set_fault('');
	return $answer;
}

# Runs code without a rule of SQL: words of a function that are replaced.  They
# must be there, once.
sub without
{
	my ($function, $words, $instead, $code) = @_;
	my $definition = $node->safe_psql($db, "SELECT pg_get_functiondef('retail.$function'::regproc)");
	my $at = index($definition, $words);
	my $changed = $definition;

	die "retail.$function() does not say \"$words\" once"
	  if $at < 0 || index($definition, $words, $at + 1) >= 0;
	substr($changed, $at, length $words, $instead);
	$node->safe_psql($db, $changed);
	my $answer = $code->();
	$node->safe_psql($db, $definition);
	return $answer;
}

# Every test holds with all rules; then each rule by itself is switched off, by
# a function that is given the rule and the test, and the test must not hold.
# A rule is its name, what the test does, the test, and what else that function
# needs.
sub try_rules
{
	my ($off, @rules) = @_;
	my @table;

	for my $rule (@rules)
	{
		ok(holds($rule->[2]), "with every rule: $rule->[1]");
	}
	$patience = 4;
	for my $rule (@rules)
	{
		my ($name, $what, $test) = @$rule;
		my $survives = $off->($rule, sub { holds($test) });

		ok(!$survives, "without \"$name\": $what");
		push @table, sprintf("%-24s %s", $name, $survives ? 'SURVIVES' : "killed by: $what");
		wait_until($node, 'postgres', 'SELECT true', "$name: the server answers");
		ask('SELECT retail.reset_cells()');
	}
	$patience = 20;
	diag(join("\n", 'rule switched off', @table));
	return;
}

1;
