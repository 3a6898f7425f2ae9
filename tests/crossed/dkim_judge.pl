# Mail::DKIM as a judge: another implementation of RFC 6376, its zone in a file.
#
#   perl dkim_judge.pl verify ZONE < message    prints one line for each signature: word, domain, detail
#   perl dkim_judge.pl sign DOMAIN SELECTOR KEY.pem ALGORITHM FORM < message    prints the field
#
# ZONE has lines "name TAB record". A message has CRLF.
use strict;
use warnings;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;
use Net::DNS;

package Zone {
    sub new { my ($class, %records) = @_; return bless {%records}, $class }
    sub errorstring { return 'NXDOMAIN' }

    sub send {
        my ($self, $name, $type) = @_;
        my $packet = Net::DNS::Packet->new($name, $type);
        my $record = $self->{$name};
        $packet->header->rcode(defined $record ? 'NOERROR' : 'NXDOMAIN');
        if (defined $record) {
            my @strings = $record =~ /(.{1,255})/g;
            my $row = Net::DNS::RR->new(owner => $name, type => 'TXT', txtdata => [@strings]);
            $packet->push(answer => $row);
        }
        return $packet;
    }
}

package main;

sub whole {
    my ($object) = @_;
    binmode STDIN;
    local $/ = undef;
    $object->PRINT(scalar <STDIN>);
    $object->CLOSE;
    return;
}

my $act = shift @ARGV;
if ($act eq 'verify') {
    my %records;
    open my $zone, '<', $ARGV[0] or die "no zone: $!";
    while (my $line = <$zone>) {
        chomp $line;
        my ($name, $record) = split /\t/, $line, 2;
        $records{$name} = $record;
    }
    close $zone;
    Mail::DKIM::DNS::resolver(Zone->new(%records));
    my $judge = Mail::DKIM::Verifier->new;
    whole($judge);
    foreach my $signature ($judge->signatures) {
        printf "%s %s %s\n", $signature->result, $signature->domain, $signature->result_detail;
    }
}
elsif ($act eq 'sign') {
    my ($domain, $selector, $key, $algorithm, $form) = @ARGV;
    my $signer = Mail::DKIM::Signer->new(
        Algorithm => $algorithm,
        Method    => $form,
        Domain    => $domain,
        Selector  => $selector,
        KeyFile   => $key,
    );
    whole($signer);
    print $signer->signature->as_string, "\r\n";
}
else {
    die "verify or sign\n";
}
