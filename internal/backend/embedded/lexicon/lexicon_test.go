package lexicon

import (
	"strings"
	"testing"
)

func TestMetric(t *testing.T) {
	t.Parallel()
	f := func(ask, want string) {
		t.Helper()
		m, ok := Look(ask).Metric()
		got := m.Namespace + " " + m.Name
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q: %q, want %q", ask, got, want)
		}
	}
	f("processor load of i-0123456789abcdef0", "AWS/EC2 CPUUtilization")
	f("cpu usage of the RDS database", "AWS/RDS CPUUtilization")
	f("how many connections does the rds instance have", "AWS/RDS DatabaseConnections")
	f("age of the oldest message in the queue", "AWS/SQS ApproximateAgeOfOldestMessage")
	f("errors of my lambda function", "AWS/Lambda Errors")
	f("read latency of the database", "AWS/RDS ReadLatency")
	f("AWS/ApiGateway 5XX errors", "AWS/ApiGateway 5XXError")
	f("how much traffic does i-0123abc send over the network", "AWS/EC2 NetworkOut")
	f("the weather in Rome", "")
}

func TestRegion(t *testing.T) {
	t.Parallel()
	for ask, want := range map[string]string{"in us-east-2": "us-east-2", "in Frankfurt": "eu-central-1", "North Virginia please": "us-east-1", "on the moon": "", "eu-west-1, then ap-south-1": "eu-west-1 ap-south-1"} {
		if got := strings.Join(Look(ask).Regions(), " "); got != want {
			t.Errorf("%q: %q, want %q", ask, got, want)
		}
	}
}

func TestResource(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"i-0abc123def456": "i-", "vol-0123abc": "vol-", "arn:aws:s3:::b": "arn:", "i-am": "", "sg-1": ""} {
		if got := Resource(id); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
}

func TestMood(t *testing.T) {
	t.Parallel()
	options := []string{"negative", "neutral", "positive"}
	for s, want := range map[string]int{"a wonderful day": 2, "not good at all": 0, "it is a table": 1, "terrible, but the staff were great and friendly": 2} {
		if got := Mood(options, s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
	if got := Mood([]string{"red", "blue"}, "wonderful"); got != -1 {
		t.Errorf("other options: %d", got)
	}
}

// TestData reads the whole file, so that a broken line is noticed.
func TestData(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, s := range load().services {
		if s.namespace == "" || len(s.phrases) == 0 || known[s.namespace] {
			t.Errorf("service %+v", s)
		}
		known[s.namespace] = true
	}
	for _, m := range load().metrics {
		if !known[m.Namespace] || m.Name == "" || len(m.phrases) == 0 {
			t.Errorf("metric %+v", m)
		}
	}
	if n := len(load().states); n != 51 {
		t.Errorf("%d states and the district", n)
	}
	if len(load().regions) < 30 || !IsRegion("eu-west-1") || IsRegion("eu-west-9") {
		t.Error("regions")
	}
}
