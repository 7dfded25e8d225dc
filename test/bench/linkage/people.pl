#!/usr/bin/perl
# Writes people, written down over and over by careless clerks, as CSV with the
# truth in the column "person": for judging linkage on data that nobody tuned
# it for.
#
# usage: people.pl STYLE PEOPLE RECORDS [seed]
#
#   register  names, birth, place, postcode, sex, occupation; dirty, as in old registers
#   shop      names, phone, e-mail, street, city, birth; families share phones and homes
use strict;
use warnings;

my ($style, $n_people, $n_records, $seed) = @ARGV;
die "usage: people.pl register|shop PEOPLE RECORDS [seed]\n" unless $n_records && $style =~ /^(register|shop)$/;

# a generator of our own, the same on every machine
my $state = ($seed // 1) & 0xffffffff;
sub draw { $state = ($state * 1103515245 + 12345) & 0x7fffffff; $state = ($state ^ ($state >> 11)) & 0x7fffffff; return ($state >> 4) % $_[0]; }
sub chance { return draw(1000) < $_[0] * 1000; }
sub pick { return $_[draw(scalar @_)]; }
# low ranks often, as names are
sub skewed { my @list = @_; my $i = int(@list * (draw(1000) / 1000) * (draw(1000) / 1000)); return $list[$i]; }

my @male = qw(john william thomas george james charles henry robert edward joseph richard samuel david alexander francis peter hugh daniel benjamin walter arthur frederick andrew michael philip stephen patrick ralph simon lewis oliver edmund adam martin owen gilbert horace nicholas percy roger);
my @female = qw(mary elizabeth anne jane margaret sarah catherine alice frances charlotte emma ellen harriet louisa martha caroline susan dorothy florence isabella julia eleanor agnes rose grace lucy edith maria helen emily amelia rachel clara georgina henrietta winifred);
my @syllables = qw(al ash bar bel ber black bol bow brad bur cal car clay clif col cop cor cran dal dar den don dun ed el fair far fen fitz for gar gil glen gran green had hal har has hay hol hop hor hunt in kel kin lan law lin lock mal mar mel mid mon mor nor oak of park pem pen ped pres rad red ric rob ros row rus sal sel shel sher sim smal stan stock sut tal ten thorn til tre tur val ver wal war wat wel wes whit wil win wood wor);
my @endings = qw(ton ley son ham ford wood ing by well er man ard worth field more don ney ers low s);
my @surnames = (qw(smith jones williams brown taylor davies evans thomas johnson roberts walker wright robinson thompson white hughes edwards green hall lewis clarke jackson wood turner hill cooper ward),
	map { $syllables[($_ * 37) % @syllables] . $syllables[($_ * 53 + 11) % @syllables] . $endings[($_ * 7) % @endings] } 1 .. 1500);
my @places = map { ucfirst($syllables[($_ * 29 + 3) % @syllables] . $endings[($_ * 13) % @endings]) } 1 .. 300;
my @streets = map { $syllables[($_ * 41 + 5) % @syllables] . $endings[($_ * 17) % @endings] . ' ' . (qw(street road avenue lane close))[$_ % 5] } 1 .. 600;
my @work = qw(politician writer painter clergyman merchant soldier physician lawyer engineer actor banker poet printer judge cricketer);
my %short = (william => 'bill', thomas => 'tom', robert => 'bob', richard => 'dick', james => 'jim', john => 'jack', elizabeth => 'betty', margaret => 'meg', catherine => 'kate', edward => 'ted', henry => 'harry', charles => 'charlie', samuel => 'sam', frances => 'fanny', francis => 'frank', david => 'dave', alexander => 'alex', michael => 'mike', daniel => 'dan', benjamin => 'ben');

sub slip {
	my ($text) = @_;
	my $at = draw(length($text) || 1);
	my $letter = chr(97 + draw(26));
	$letter = draw(10) if substr($text, $at, 1) =~ /\d/;
	my $what = draw(4);
	return $text if length($text) < 3;
	substr($text, $at, 1) = $letter if $what == 0;
	substr($text, $at, 1) = '' if $what == 1;
	substr($text, $at, 0) = $letter if $what == 2;
	if ($what == 3 && $at + 1 < length $text) { my $two = reverse substr($text, $at, 2); substr($text, $at, 2) = $two; }
	return $text;
}
sub postcode { return sprintf('%s%s%d %d%s%s', chr(97 + draw(20)), chr(97 + draw(20)), 1 + draw(20), draw(10), chr(97 + draw(20)), chr(97 + draw(20))); }
sub birth { return sprintf('%d-%02d-%02d', $_[0] + draw($_[1]), chance(0.3) ? (1, 1) : (1 + draw(12), 1 + draw(28))); }

my @homes = map { { street => 1 + draw(120) . ' ' . pick(@streets), city => pick(@places), postcode => postcode(), phone => '0' . (1 + draw(9)) . join('', map { draw(10) } 1 .. 9), surname => skewed(@surnames) } } 1 .. $n_people / 2 + 1;
my @people;
for my $i (0 .. $n_people - 1) {
	my $sex = pick('male', 'female');
	my $home = $homes[draw(scalar @homes)];
	my %person = (given => skewed($sex eq 'male' ? @male : @female), surname => $style eq 'shop' && chance(0.75) ? $home->{surname} : skewed(@surnames),
		sex => $sex, birth => birth($style eq 'shop' ? (1940, 65) : (1750, 180)), place => pick(@places), postcode => postcode(), work => pick(@work), home => $home,
		middle => chance(0.4) ? skewed(@male) : '', mobile => chance(0.3) ? $home->{phone} : '07' . join('', map { draw(10) } 1 .. 9));
	$person{mail} = $person{given} . pick('.', '', '_') . $person{surname} . (chance(0.5) ? draw(100) : '') . '@' . pick(qw(mail.example post.example web.example));
	push @people, \%person;
}

sub clerk_name {
	my ($p) = @_;
	my ($given, $surname) = @{$p}{qw(given surname)};
	$given = $short{$given} if $short{$given} && chance(0.15);
	$given = slip($given) if chance(0.12);
	$given = substr($given, 0, 1) if chance(0.04);
	$surname = slip($surname) if chance(0.15);
	$surname = skewed(@surnames) if $p->{sex} eq 'female' && chance(0.05);
	($given, $surname) = ($surname, $given) if chance(0.02);
	$given = "$given $p->{middle}" if $p->{middle} && chance(0.4);
	return (chance(0.04) ? '' : $given, chance(0.03) ? '' : $surname);
}
sub clerk_birth {
	my ($birth) = @_;
	return '' if chance(0.15);
	return slip($birth) if chance(0.1);
	return substr($birth, 0, 5) . sprintf('%02d-%02d', 1 + draw(12), 1 + draw(28)) if chance(0.06);
	return $1 . '-01-01' if chance(0.08) && $birth =~ /^(\d+)/;
	return $birth;
}

my @columns = $style eq 'register' ? qw(id full_name given_name surname birth place postcode sex occupation person) : qw(id given_name surname phone email street city postcode birth person);
print join(',', @columns), "\n";
for my $id (1 .. $n_records) {
	my $i = $id <= $n_people ? $id - 1 : draw($n_people);
	my $p = $people[$i];
	my ($given, $surname) = clerk_name($p);
	my %row = (id => $id, person => $i, given_name => $given, surname => $surname, full_name => join(' ', grep { length } $given, $surname), birth => clerk_birth($p->{birth}));
	if ($style eq 'register') {
		$row{place} = chance(0.2) ? '' : chance(0.1) ? slip($p->{place}) : chance(0.1) ? pick(@places) : $p->{place};
		$row{postcode} = chance(0.2) ? '' : chance(0.25) ? slip($p->{postcode}) : chance(0.1) ? postcode() : $p->{postcode};
		$row{sex} = chance(0.1) ? '' : chance(0.02) ? pick('male', 'female') : $p->{sex};
		$row{occupation} = chance(0.2) ? '' : chance(0.15) ? pick(@work) : $p->{work};
	}
	else {
		my $home = chance(0.15) ? pick(@homes) : $p->{home};
		$row{phone} = chance(0.25) ? '' : chance(0.02) ? '0800123456' : chance(0.06) ? slip($p->{mobile}) : chance(0.1) ? $home->{phone} : $p->{mobile};
		$row{email} = chance(0.5) ? '' : chance(0.06) ? slip($p->{mail}) : $p->{mail};
		$row{street} = chance(0.2) ? '' : chance(0.1) ? slip($home->{street}) : $home->{street};
		$row{city} = chance(0.2) ? '' : $home->{city};
		$row{postcode} = chance(0.3) ? '' : chance(0.05) ? slip($home->{postcode}) : $home->{postcode};
	}
	print join(',', map { $row{$_} // '' } @columns), "\n";
}
