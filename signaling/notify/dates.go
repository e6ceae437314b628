package notify

import (
	"fmt"
	"strings"
	"time"
)

// calendarWords are the names of days and months, and how a day is written with them: weekday, day, month, year.
type calendarWords struct {
	days   [7]string
	months [12]string
	long   string
	short  string // weekday, day, month
}

var calendars = map[string]calendarWords{
	"en": {
		days:   [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		long:   "%s, %d %s %d", short: "%s, %d %s",
	},
	"pt-BR": {
		days:   [7]string{"domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado"},
		months: [12]string{"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"},
		long:   "%s, %d de %s de %d", short: "%s, %d de %s",
	},
	"es": {
		days:   [7]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
		months: [12]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
		long:   "%s, %d de %s de %d", short: "%s, %d de %s",
	},
}

// longDate is a day with its year, as people write it.
func longDate(t time.Time, language string) string {
	w := calendars[language]
	return fmt.Sprintf(w.long, w.days[t.Weekday()], t.Day(), w.months[t.Month()-1], t.Year())
}

// shortDate is a day without its year.
func shortDate(t time.Time, language string) string {
	w := calendars[language]
	return fmt.Sprintf(w.short, w.days[t.Weekday()], t.Day(), w.months[t.Month()-1])
}

func timeOfDay(t time.Time) string { return t.Format("15:04") }

// zoneName says which zone a time is in, so that nobody has to guess: the place that the zone is named after, and the distance to UTC at that time.
func zoneName(t time.Time) string {
	_, offset := t.Zone()
	utc := "UTC"
	if offset != 0 {
		sign := "+"
		if offset < 0 {
			sign, offset = "−", -offset
		}
		utc += fmt.Sprintf("%s%d", sign, offset/3600)
		if minutes := offset % 3600 / 60; minutes != 0 {
			utc += fmt.Sprintf(":%02d", minutes)
		}
	}
	name := t.Location().String()
	if i := strings.LastIndex(name, "/"); i >= 0 && !strings.HasPrefix(name, "Etc/") {
		return strings.ReplaceAll(name[i+1:], "_", " ") + ", " + utc
	}
	return utc
}
