package static

import (
	"encoding/json"
	"net/http"
	"testing"
)

// TestUsagePage: the months, one of them call by call, who changed the minutes, the table as a file, and a month without calls.
func TestUsagePage(t *testing.T) {
	usage := func(month string, used int) message {
		return message{"month": month, "time_zone": "America/Sao_Paulo", "cap_seconds": 36000, "used_seconds": used, "remaining_seconds": max(0, 36000-used)}
	}
	seller := message{"id": "sell_1", "name": "Ana Souza", "time_zone": "America/Sao_Paulo", "language": "pt-BR", "monthly_minutes": 600, "conference_minutes": 45, "retention_days": 0, "without_consent": "unrecorded"}
	changed := make(chan string, 1)
	f := newFake(t, answers{
		"GET /me": message{"name": "dev", "scope": "crm"}, "GET /sellers/sell_1": seller, "GET /sellers/sell_1/usage": usage("2026-11", 31245),
		"PATCH /sellers/sell_1": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = w.Write([]byte(`{"status": 422, "code": "invalid", "field": "conference_minutes", "detail": "1440 is the most"}`))
			changed <- r.Method
		}),
		"GET /sellers/sell_1/usage/months": message{"data": []message{usage("2026-11", 31245), usage("2026-10", 0)}, "next": nil},
		"GET /sellers/sell_1/usage/settings": message{"data": []message{
			{"at": "2026-11-20T13:00:00Z", "by": "key_1", "by_name": "CRM", "monthly_minutes": 600, "conference_minutes": 45},
			{"at": "2026-10-01T09:00:00Z", "by": "system", "monthly_minutes": 100, "conference_minutes": 0}}, "next": nil},
		"GET /sellers/sell_1/usage/calls": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			month := r.URL.Query().Get("month")
			u := usage(month, 0)
			u["data"] = []message{}
			if month == "2026-11" {
				u = usage(month, 31245)
				u["data"] = []message{
					{"conference": "conf_1", "subject": "Hatchback 2023, automatic", "buyer": message{"id": "buy_1", "name": "Bruno Lima"}, "from": "2026-11-20T15:00:00Z", "seconds": 31000},
					{"conference": "conf_2", "subject": "<img src=x onerror=alert(1)>", "buyer": message{"id": "buy_2", "name": "Carla Dias"}, "from": "2026-11-21T15:00:00Z", "seconds": 245}}
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(u)
		}),
		"GET /sellers/sell_1/usage.csv": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/csv")
			_, _ = w.Write([]byte("month,seconds\r\n" + r.URL.Query().Get("month") + ",31245\r\n"))
		}),
	})
	b := newTab(t)
	b.open(f.url + "/console#key=sk_good")
	b.until(visible("nav-sellers"))
	b.run("location.hash = '#/sellers/sell_1'")
	b.until(visible("usage-link") + " && " + element("conference_minutes") + ".value === '45'")
	fillIn(b, "seller-form", map[string]string{"conference_minutes": "1440"})
	<-changed
	b.until(element("form-error") + ".parentElement.contains(" + element("conference_minutes") + ")") // beside the field
	b.shot("console-seller-error")
	b.click("usage-link")
	b.until(`document.querySelectorAll('[data-testid="usage-call"]').length === 2 && ` + element("used") + ".dataset.seconds === '31245'")
	b.until(element("setting") + ".textContent.includes('CRM') && document.querySelectorAll('[data-testid=\"month\"]').length === 2")
	b.shot("console-usage")
	b.run("window.saved = null; const make = URL.createObjectURL; URL.createObjectURL = blob => { blob.text().then(s => { window.saved = s; }); return make.call(URL, blob); }")
	b.click("usage-csv")
	b.until("window.saved?.includes('2026-11,31245')")
	b.run("const s = " + element("usage-month") + "; s.value = '2026-10'; s.dispatchEvent(new Event('change'))")
	b.until(visible("no-usage") + " && !" + visible("usage-call"))
	b.shot("console-usage-empty")
}
