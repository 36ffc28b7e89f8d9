package catalog

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

const (
	account = "123456789012"
	sonnet  = "anthropic.claude-3-5-sonnet-20241022-v2:0"
)

var regions = []string{"us-east-1", "us-west-2", "eu-west-1"}

func open(tb testing.TB, entries map[string]Entry) *Catalog {
	tb.Helper()
	c, err := New(Config{Regions: regions, Models: entries})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// TestData holds the checked-in facts to what every reader of them relies on.
func TestData(t *testing.T) {
	t.Parallel()
	s, err := load()
	if err != nil {
		t.Fatal(err)
	}
	region := regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	for id, m := range s.models {
		if !userID.MatchString(id) || len(id) > maxID {
			t.Errorf("%s cannot be returned by the control plane", id)
		}
		if m.Name == "" || m.Provider == "" || len(m.Input) == 0 || len(m.Output) == 0 {
			t.Errorf("%s lacks a name, a provider or modalities", id)
		}
		for _, x := range slices.Concat(m.Input, m.Output) {
			if !slices.Contains(modalities, x) {
				t.Errorf("%s: modality %q", id, x)
			}
		}
		if m.Status != Active && m.Status != Legacy {
			t.Errorf("%s: status %q", id, m.Status)
		}
		if len(m.Regions) == 0 && !m.everywhere {
			t.Errorf("%s is offered nowhere", id)
		}
		for _, r := range m.Regions {
			if !region.MatchString(r) || !slices.Contains(s.geos[globalGeography].Sources, r) {
				t.Errorf("%s: region %q", id, r)
			}
		}
		if m.Embeds() && m.Dimensions == 0 {
			t.Errorf("%s has no dimensions", id)
		}
		if m.Chat() && (m.Context == 0 || m.MaxOutput == 0) {
			t.Errorf("%s has no limits", id)
		}
		if m.Chat() && !m.Own && (m.Price.Input == 0 || m.Price.Output == 0) {
			t.Errorf("%s has no price", id)
		}
		if m.Price.CacheRead > m.Price.Input || (m.Price.CacheWrite > 0 && m.Price.CacheWrite < m.Price.Input) {
			t.Errorf("%s: cache prices %+v", id, m.Price)
		}
	}
	for _, p := range s.profiles {
		for _, r := range p.destinations {
			if !region.MatchString(r) {
				t.Errorf("%s: destination %q", p.id, r)
			}
		}
		if p.price.Output < p.model.Price.Output {
			t.Errorf("%s is cheaper than its model", p.id)
		}
	}
}

func TestEveryProviderIsThere(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	for _, p := range []string{"Anthropic", "Amazon", "Meta", "Mistral AI", "Cohere", "AI21 Labs", "Stability AI", "DeepSeek", "OpenAI", "Qwen", "Outcrop"} {
		n := 0
		for _, r := range regions {
			n += len(c.Models(r, Filter{Provider: strings.ToUpper(p)}))
		}
		if n == 0 {
			t.Errorf("no model of %s", p)
		}
	}
	for _, r := range regions {
		for _, m := range c.Models("us-east-1", Filter{Provider: "anthropic"}) {
			if _, err := c.Lookup(r, account, m.ID); err != nil {
				t.Errorf("%s in %s: %v", m.ID, r, err)
			}
		}
	}
}

// TestGuideModels finds the model IDs and ARNs that the guide's examples send.
func TestGuideModels(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	id := regexp.MustCompile(`(arn:aws:bedrock:[a-z0-9-]+::foundation-model/)?(anthropic|amazon|meta|mistral|cohere|ai21|stability)\.[a-z][a-z0-9-]*-v[0-9]+(:[0-9]+)?`)
	blocks, err := filepath.Glob(filepath.Join(sharedtest.Path(t, "guide", "blocks"), "*"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("no blocks: %v", err)
	}
	seen := map[string]bool{}
	for _, b := range blocks {
		text, err := os.ReadFile(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range id.FindAllString(string(text), -1) {
			seen[found] = true
		}
	}
	if len(seen) < 3 {
		t.Fatalf("found only %v in the guide", seen)
	}
	for found := range seen {
		r, err := c.Lookup("us-east-1", account, found)
		if err != nil {
			t.Errorf("%s: %v", found, err)
			continue
		}
		if r.Model.Status != Active {
			t.Errorf("%s is %s", found, r.Model.Status)
		}
	}
}

// TestGuidePrices compares with the figures that the guide's text gives.
func TestGuidePrices(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(sharedtest.Path(t, "guide", "building-ai-applications.txt"))
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, nil)
	f := func(id, pattern string) {
		t.Helper()
		m, err := c.Model("us-east-1", id)
		if err != nil {
			t.Error(err)
			return
		}
		if m.Status != Active {
			t.Errorf("%s is %s", id, m.Status)
		}
		got := regexp.MustCompile(pattern).FindStringSubmatch(string(text))
		if got == nil {
			t.Fatalf("the guide has no match for %s", pattern)
		}
		want := []int64{m.Price.Input, m.Price.Output}
		for i, amount := range got[1:] {
			var d dollars
			if err := d.UnmarshalJSON([]byte(amount)); err != nil {
				t.Fatal(err)
			}
			if int64(d) != want[i] {
				t.Errorf("%s: the guide says $%s, the catalog %d micro-dollars", id, amount, want[i])
			}
		}
	}
	f(sonnet, `Claude 3\.5 Sonnet costs \$([0-9.]+) per million input tokens and \$([0-9]+\.[0-9]+)`)
	f("anthropic.claude-3-haiku-20240307-v1:0", `Claude Haiku.*\(\$([0-9.]+)/\$([0-9.]+) per M`)
	f("amazon.titan-embed-text-v2:0", `Titan Embed v2.*\(\$([0-9.]+) per M`)
	f("amazon.titan-text-lite-v1", `Titan Text Lite`)
	f("anthropic.claude-3-opus-20240229-v1:0", `Claude Opus`)
	f("amazon.titan-text-express-v1", `amazon\.titan-text-express-v1`)
}

func TestLookup(t *testing.T) {
	t.Parallel()
	c := open(t, map[string]Entry{"my.qwen": {Regions: []string{"us-west-2"}}})
	f := func(region, id, wantModel string, wantResources ...string) {
		t.Helper()
		r, err := c.Lookup(region, account, id)
		if err != nil {
			t.Errorf("Lookup(%s, %s): %v", region, id, err)
			return
		}
		if r.Model.ID != wantModel {
			t.Errorf("Lookup(%s, %s) = %s, want %s", region, id, r.Model.ID, wantModel)
		}
		if diff := cmp.Diff(r.Resources, wantResources); diff != "" {
			t.Errorf("Lookup(%s, %s).Resources (-got +want): %s", region, id, diff)
		}
	}
	east := "arn:aws:bedrock:us-east-1::foundation-model/"
	f("us-east-1", sonnet, sonnet, east+sonnet)
	f("us-east-1", east+sonnet, sonnet, east+sonnet)
	f("us-east-1", sonnet+":200k", sonnet, east+sonnet+":200k")
	f("us-east-1", "anthropic.claude-3-haiku-20240307-v1:0:48k", "anthropic.claude-3-haiku-20240307-v1:0", east+"anthropic.claude-3-haiku-20240307-v1:0:48k")
	f("us-west-2", "my.qwen", "my.qwen", "arn:aws:bedrock:us-west-2::foundation-model/my.qwen")
	f("eu-west-1", "outcrop.reader-v1", "outcrop.reader-v1", "arn:aws:bedrock:eu-west-1::foundation-model/outcrop.reader-v1")

	us := "arn:aws:bedrock:us-west-2:" + account + ":inference-profile/us." + sonnet
	members := []string{
		us, east + sonnet,
		"arn:aws:bedrock:us-east-2::foundation-model/" + sonnet, "arn:aws:bedrock:us-west-2::foundation-model/" + sonnet,
	}
	f("us-west-2", "us."+sonnet, sonnet, members...)
	f("us-west-2", us, sonnet, members...)
	newer := "anthropic.claude-sonnet-4-5-20250929-v1:0"
	f("eu-west-1", "global."+newer, newer,
		"arn:aws:bedrock:eu-west-1:"+account+":inference-profile/global."+newer,
		"arn:aws:bedrock:eu-west-1::foundation-model/"+newer, "arn:aws:bedrock:::foundation-model/"+newer)
}

func TestReaches(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	f := func(region, id string, want ...string) {
		t.Helper()
		r, err := c.Lookup(region, account, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1"} {
			if got := r.Reaches(to); got != slices.Contains(want, to) {
				t.Errorf("%s from %s reaches %s: %v", id, region, to, got)
			}
		}
	}
	f("us-east-1", sonnet, "us-east-1")
	f("us-west-2", "us."+sonnet, "us-east-1", "us-east-2", "us-west-2")
	f("eu-west-1", "global.anthropic.claude-sonnet-4-6", "us-east-1", "us-east-2", "us-west-2", "eu-west-1")
}

func TestFind(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	for _, id := range []string{sonnet, sonnet + ":200k", "us." + sonnet} {
		if m := c.Find(id); m == nil || m.ID != sonnet {
			t.Errorf("Find(%s) = %v", id, m)
		}
	}
	if m := c.Find("nosuch"); m != nil {
		t.Errorf("Find(nosuch) = %v", m)
	}
}

func TestLookupFaults(t *testing.T) {
	t.Parallel()
	c := open(t, map[string]Entry{"my.qwen": {Regions: []string{"us-west-2"}}})
	f := func(region, id string, want fault.Kind, text string) {
		t.Helper()
		r, err := c.Lookup(region, account, id)
		if err == nil {
			t.Errorf("Lookup(%s, %q) = %s, want %v", region, id, r.ID, want)
			return
		}
		if got := fault.KindOf(err); got != want || !strings.Contains(err.Error(), text) {
			t.Errorf("Lookup(%s, %q) = %v: %v, want %v: %s", region, id, got, err, want, text)
		}
	}
	const east = "arn:aws:bedrock:us-east-1:"
	for _, id := range []string{
		"", " ", "nosuch", "anthropic.nosuch-v1:0", "us.does-not-exist-model-v1:0", "us.", "us." + sonnet + ":200k",
		strings.TrimSuffix(sonnet, ":0"), "amazon.titan-embed-text-v2", // no version
		sonnet + ":7k", sonnet + ":", strings.ToUpper(sonnet), " " + sonnet,
		"arn:", "arn:aws:bedrock", "arn:aws:bedrock:us-east-1::foundation-model", east + ":foundation-model/",
		"arn:aws:bedrock:us-west-2::foundation-model/" + sonnet,        // another region
		east + account + ":foundation-model/" + sonnet,                 // models have no account
		"arn:aws-cn:bedrock:us-east-1::foundation-model/" + sonnet,     // another partition
		"arn:aws:s3:us-east-1::foundation-model/" + sonnet,             // another service
		east + "210987654321:inference-profile/us." + sonnet,           // another account
		east + account + ":inference-profile/" + sonnet,                // not a profile
		east + account + ":inference-profile/eu.amazon.nova-lite-v1:0", // not called from here
		"eu.amazon.nova-lite-v1:0",
		"my.qwen",                              // not in this region
		"meta.llama3-2-3b-instruct-v1:0\x00",   // rubbish
		"\xff\xfe", strings.Repeat("a.", 5000), // rubbish
	} {
		f("us-east-1", id, fault.Invalid, invalidIdentifier)
	}
	f("mars-1", sonnet, fault.Invalid, invalidIdentifier)
	f("mars-1", "outcrop.reader-v1", fault.Invalid, invalidIdentifier)

	for resource, words := range map[string]string{
		"provisioned-model/abcdefghijkl":             "provisioned throughput",
		"custom-model/amazon.titan/abcdefghijkl":     "custom models",
		"custom-model-deployment/abcdefghijkl":       "custom model deployments",
		"imported-model/abcdefghijkl":                "imported models",
		"application-inference-profile/abcdefghijkl": "application inference profiles",
		"prompt-router/abc":                          "prompt routers",
		"default-prompt-router/anthropic.claude:1":   "default prompt routers",
		"prompt/ABCDEFGHIJ:1":                        "prompts",
	} {
		f("us-east-1", east+account+":"+resource, fault.NotImplemented, words)
	}
	f("us-east-1", "arn:aws:sagemaker:us-east-1:"+account+":endpoint/x", fault.NotImplemented, "endpoints")
}

func TestFilters(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	all := c.Models("us-east-1", Filter{})
	if len(all) < 80 {
		t.Errorf("%d models in us-east-1", len(all))
	}
	if !slices.IsSortedFunc(all, func(a, b *Model) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("not sorted")
	}
	f := func(name string, filter Filter, keep func(*Model) bool) {
		t.Helper()
		var want []string
		for _, m := range all {
			if keep(m) {
				want = append(want, m.ID)
			}
		}
		var got []string
		for _, m := range c.Models("us-east-1", filter) {
			got = append(got, m.ID)
		}
		if diff := cmp.Diff(got, want); diff != "" || len(want) == 0 {
			t.Errorf("%s (-got +want): %s", name, diff)
		}
	}
	f("provider", Filter{Provider: "amazon"}, func(m *Model) bool { return strings.HasPrefix(m.ID, "amazon.") })
	f("customization", Filter{Customization: ContinuedPreTraining}, func(m *Model) bool {
		return strings.HasPrefix(m.ID, "amazon.titan-text-express") || strings.HasPrefix(m.ID, "amazon.titan-text-lite")
	})
	f("output", Filter{Output: Embedding}, func(m *Model) bool { return strings.Contains(m.ID, "embed") })
	f("inference", Filter{Inference: Provisioned}, func(m *Model) bool { return slices.Contains(m.InferenceTypes, Provisioned) })
	f("two", Filter{Provider: "Cohere", Output: Embedding}, func(m *Model) bool { return strings.HasPrefix(m.ID, "cohere.embed") })
	if got := c.Models("us-east-1", Filter{Provider: "Nobody"}); len(got) != 0 {
		t.Errorf("models of nobody: %v", got)
	}
	if got := c.Models("mars-1", Filter{}); len(got) != 0 {
		t.Errorf("models of a region that is not served: %d", len(got))
	}
}

func TestModelAndAvailability(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	for _, id := range []string{sonnet, "arn:aws:bedrock:us-east-1::foundation-model/" + sonnet, sonnet + ":18k"} {
		if m, err := c.Model("us-east-1", id); err != nil || !strings.HasPrefix(m.ID, sonnet) {
			t.Errorf("Model(%s): %v", id, err)
		}
	}
	for _, id := range []string{"us." + sonnet, "nosuch", "arn:aws:bedrock:eu-west-1::foundation-model/" + sonnet, "stability.sd3-5-large-v1:0"} {
		if _, err := c.Model("us-east-1", id); !fault.Is(err, fault.Invalid) {
			t.Errorf("Model(%s): %v", id, err)
		}
	}
	a, err := c.Availability("us-east-1", "stability.sd3-5-large-v1:0")
	if err != nil || a.Region {
		t.Errorf("Availability = %+v, %v", a, err)
	}
	if a, err = c.Availability("us-west-2", "stability.sd3-5-large-v1:0"); err != nil || !a.Region {
		t.Errorf("Availability = %+v, %v", a, err)
	}
	if _, err := c.Availability("us-east-1", "nosuch"); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	for region, prefixes := range map[string][]string{"us-east-1": {"us.", "global."}, "eu-west-1": {"eu.", "global."}} {
		seen := map[string]int{}
		for _, p := range c.Profiles(region, account) {
			geo, _, _ := strings.Cut(p.ID, ".")
			seen[geo+"."]++
			got, err := c.Profile(region, account, p.ARN)
			if err != nil || got.ID != p.ID || len(got.Models) == 0 {
				t.Errorf("Profile(%s): %v", p.ARN, err)
			}
			if r, err := c.Lookup(region, account, p.ID); err != nil || r.Profile != p.ARN || r.Price != p.Price {
				t.Errorf("Lookup(%s) = %+v, %v", p.ID, r, err)
			}
		}
		if len(seen) != len(prefixes) {
			t.Errorf("%s has profiles %v, want %v", region, seen, prefixes)
		}
	}
	for _, id := range []string{"us.nosuch", sonnet, "eu." + sonnet, "arn:aws:bedrock:us-west-2:" + account + ":inference-profile/us." + sonnet} {
		if _, err := c.Profile("us-east-1", account, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("Profile(%s): %v", id, err)
		}
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	price := Price{Input: 100_000, Output: 400_000}
	c := open(t, map[string]Entry{
		"my.qwen":                  {Price: &price, Regions: []string{"us-east-1"}, Name: "Qwen", Context: 32768},
		"my.embed-v1":              {Output: []Modality{Embedding}},
		sonnet:                     {Price: &price, Regions: []string{"us-west-2"}},
		"us.amazon.nova-lite-v1:0": {}, // targets only
	})
	m, err := c.Model("us-east-1", "my.qwen")
	if err != nil {
		t.Fatal(err)
	}
	if !m.UserDefined || !m.Chat() || m.Price != price || m.Name != "Qwen" || m.Context != 32768 || m.Status != Active {
		t.Errorf("my.qwen = %+v", m)
	}
	if m, err := c.Model("eu-west-1", "my.embed-v1"); err != nil || !m.Embeds() || m.Chat() || m.Streaming {
		t.Errorf("my.embed-v1 = %+v, %v", m, err)
	}
	batch := price
	batch.BatchPercent = 50 // the catalog's discount stays
	for _, id := range []string{sonnet, "us." + sonnet, sonnet + ":200k"} {
		if r, err := c.Lookup("us-west-2", account, id); err != nil || r.Price != batch {
			t.Errorf("%s: %+v, %v", id, r, err)
		}
		if _, err := c.Lookup("us-east-1", account, id); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s where the configuration does not offer it: %v", id, err)
		}
	}
	// Other catalogs do not see it.
	if r, err := open(t, nil).Lookup("us-east-1", account, sonnet); err != nil || r.Price == price {
		t.Errorf("a second catalog: %+v, %v", r, err)
	}
}

func TestEntryProblemsComeTogether(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Regions: []string{"us-east-1"}, Models: map[string]Entry{
		"nodot":                    {},
		"My.Upper":                 {},
		"outcrop.mine-v1":          {},
		sonnet:                     {Input: []Modality{Text}, Price: &Price{Output: -1}},
		sonnet + ":200k":           {Name: "x"},
		"us.amazon.nova-lite-v1:0": {Name: "x"},
		"my.x1":                    {Regions: []string{"eu-west-1"}, Output: []Modality{"SMELL"}, Input: []Modality{Embedding}, Context: -1},
	}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"models.nodot:", "models.My.Upper:", "models.outcrop.mine-v1:", "known for this model", "below zero", "is a variant of " + sonnet,
		"is a system inference profile", `"eu-west-1" is not one of`, `"SMELL" is no modality`, "only be an output", "numbers of tokens",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("no regions: accepted")
	}
}

func TestOwnModels(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	for _, r := range regions {
		reader, err := c.Model(r, "outcrop.reader-v1")
		if err != nil || !reader.Own || !reader.Chat() || reader.Price != (Price{}) {
			t.Errorf("reader in %s = %+v, %v", r, reader, err)
		}
		embed, err := c.Model(r, "outcrop.embed-v1")
		if err != nil || !embed.Own || !embed.Embeds() || embed.Dimensions != 384 {
			t.Errorf("embed in %s = %+v, %v", r, embed, err)
		}
	}
}

func TestForeignRegionHasEverything(t *testing.T) {
	t.Parallel()
	c, err := New(Config{Regions: []string{"home-lab-1", "us-east-1"}, Models: map[string]Entry{
		"stability.sd3-5-large-v1:0": {Regions: []string{"us-east-1"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Lookup("home-lab-1", account, "stability.stable-image-core-v1:1"); err != nil {
		t.Error(err)
	}
	if _, err := c.Lookup("home-lab-1", account, "stability.sd3-5-large-v1:0"); err == nil {
		t.Error("a model that the configuration pins elsewhere is offered")
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if _, err := c.Lookup("us-east-1", account, sonnet); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err := c.Reload(Config{Regions: regions, Models: map[string]Entry{"my.new": {}}}); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if _, err := c.Lookup("us-east-1", account, "my.new"); err != nil {
		t.Error(err)
	}
	if err := c.Reload(Config{Regions: regions, Models: map[string]Entry{"bad": {}}}); err == nil {
		t.Error("bad configuration accepted")
	}
	if _, err := c.Lookup("us-east-1", account, "my.new"); err != nil {
		t.Errorf("after a refused reload: %v", err)
	}
}

func FuzzLookup(f *testing.F) {
	c := open(f, nil)
	for _, s := range []string{sonnet, "us." + sonnet, "arn:aws:bedrock:us-east-1::foundation-model/" + sonnet, "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us." + sonnet, "arn:::::/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		r, err := c.Lookup("us-east-1", account, id)
		switch {
		case err == nil && (r.Model == nil || r.Model.Base != "" || len(r.Resources) == 0):
			t.Errorf("Lookup(%q) = %+v", id, r)
		case err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.NotImplemented):
			t.Errorf("Lookup(%q): %v", id, err)
		}
	})
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		open(b, nil)
	}
}

func BenchmarkLookup(b *testing.B) {
	c := open(b, nil)
	for _, id := range []string{sonnet, "us." + sonnet} {
		b.Run(id, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Lookup("us-east-1", account, id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
