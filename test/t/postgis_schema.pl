# PostGIS in a schema of its own: tables, views and routing find it there, also
# after the schema was given another name, and after a restore.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RetailTest;

my $node = retail_node('postgis_schema');

my $schema = '"Maps & more"';
$node->safe_psql('postgres', 'CREATE DATABASE shop');
allowed($node, 'shop', <<"SQL", 'the extension and its tables are made');
SET client_min_messages = warning;
CREATE SCHEMA $schema;
CREATE EXTENSION postgis SCHEMA $schema;
CREATE EXTENSION pg_retail CASCADE;
SELECT count(*) FROM retail.init();
SQL
# parts that may be made again at any time: guards and views
value_is($node, 'shop', "SELECT string_agg(part, ' ') FROM retail.migrate() WHERE (action = 'renewed') <> (part ~ '(guards|views)\$')", '',
	'guards and views are renewed, and nothing else');
allowed($node, 'shop', <<'SQL', 'stores and zones are written');
INSERT INTO retail.channel (code, name) VALUES ('app', 'App');
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone)
SELECT 'S' || i, 'Shop ' || i, 'store', 121 + i * 0.01, 31, 'UTC' FROM generate_series(1, 2) i;
INSERT INTO retail.sku (code, name) VALUES ('A', 'Apple');
INSERT INTO retail.delivery_zone (location_id, area)
SELECT id, 'SRID=4326;MULTIPOLYGON(((120 30, 121 30, 121 32, 120 32, 120 30)))' FROM retail.location WHERE code = 'S1';
SELECT outcome FROM retail.receive_lines(ARRAY[('A', 'S1', 9), ('A', 'S2', 9)]::retail.line[]);
SQL

my $route = "SELECT string_agg(location || ' ' || verdict, ', ' ORDER BY rank)
	FROM retail.explain_route('{\"(A,,1)\"}', %s, 31, 'app', 'express')";
my $east = sprintf($route, '121.011');
my $west = sprintf($route, '120.999');

sub check_routes
{
	my ($db, $when) = @_;

	value_is($node, $db, $east, 'S1 outside_zone, S2 chosen', "$when: outside the zone");
	value_is($node, $db, $west, 'S1 chosen', "$when: inside");
	value_is($node, $db, "SELECT outcome FROM retail.place_order('app', '$when', '{\"(A,,1)\"}', 121.011, 31, 'express')",
		'placed', "$when: an order is placed");
}

sub check_views
{
	my ($db, $when) = @_;

	for my $view (split /\n/, $node->safe_psql($db,
		"SELECT format('%I.%I', schemaname, viewname) FROM pg_views WHERE schemaname = 'retail_bi' ORDER BY 1"))
	{
		allowed($node, $db, "SELECT * FROM $view", "$when: view $view reads");
	}
	value_is($node, $db, "SELECT location || ' ' || source FROM retail_bi.catchment WHERE source = 'zones'", 'S1 zones',
		"$when: the map has the zone");
}

check_routes('shop', 'elsewhere');
check_views('shop', 'elsewhere');

# a restore brings the schema along
my $file = scratch_file('dump');
$node->command_ok([ 'pg_dump', '-Fc', '-f', $file, '-d', $node->connstr('shop') ], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $file ], 'restored');
check_routes('restored', 'a restore');
check_views('restored', 'a restore');

# Another name, one that would be something else to a regular expression: also a
# session that has asked before finds it.  (Functions of PostGIS that call each
# other do not: the views with polygons are its own affair.)
my $later = '"maps\\1, ""and more"""';
my $session = session($node, 'shop');
is($session->ask($east), 'S1 outside_zone, S2 chosen', 'a session has asked');
$node->safe_psql('shop', "ALTER SCHEMA $schema RENAME TO $later");
is($session->ask($east), 'S1 outside_zone, S2 chosen', 'and asks again, when the schema has another name')
  or diag($session->{complaint});
$session->end;
check_routes('shop', 'renamed');

# without PostGIS at all it says so
$node->safe_psql('postgres', 'CREATE DATABASE flat');
refused($node, 'flat', 'CREATE EXTENSION pg_retail', '42704', qr/postgis/, 'without PostGIS there is no extension');

$node->stop;
done_testing();
