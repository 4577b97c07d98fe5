# What families read. Short sentences, everyday words, nothing that sounds like a form.
# $child is the child's name, $day a date that is written out already, $n a number that is written out already.

language-name = English
page-title = How { $child } is doing
page-lead = This is what the people who work with { $child } at school have signed off, in plain words. It is as of { $day }.
choose-language = Language
skip-to-content = Skip to the page

goals-title = What { $child } is working on
goals-none = There are no goals to show yet. They appear here when the school has put them in the plan.
goal-being-updated = The words of this goal are being updated. Please look again in a few days.
target-being-updated = The aim of this goal is being updated. Please look again in a few days.

going-reached = { $child } has reached this goal!
going-on-track = { $child } is on track to reach this goal.
going-on-track-by = { $child } is on track to reach this goal by { $day }.
going-moving = { $child } is getting further. This goal needs some more time.
going-steady = This is about where it was at the start. The team keeps working on it with { $child }.
going-harder = This is hard for { $child } right now. The team is looking for what helps.
going-early = It is too early to tell. A few more visits will show how it is going.
going-quiet = Nothing new has been signed off since { $day }.

lately-of-ten = Lately, about { $n } of 10 tries go well.
start-of-ten = At the start it was about { $n } of 10.
target-of = The goal is { $n } of { $of }.
lately-count = Lately, it is about { $n } times a minute.
start-count = At the start it was about { $n }.
start-zero = At the start it did not happen yet.
target-count-up = The goal is { $n } or more.
target-count-down = The goal is { $n } or fewer.
lately-probe = Lately, about { $n } are right in a minute.
start-probe = At the start it was about { $n }.
target-probe = The goal is { $n }.
corrected-on = (corrected on { $day })

chart-label = Chart: { $sentence } The numbers are in the table below.
chart-caption = Each dot is a day. The dashed line is the goal.
chart-caption-dots = Each dot is a day.
chart-goal = goal
chart-start = start
numbers-title = See the numbers
table-day = Day
table-seen = What was seen
seen-of = { $n } of { $of } went well
seen-count = { $n } times a minute
seen-probe = { $n } right in a minute

visits-title = Visits
this-week = This week
last-week = Last week
week-days = { $from } to { $to }
week-none = Nothing has been signed off for this week yet.
last-week-none = Nothing was signed off for this week.
visits-planned =
    { $planned ->
        [one] 1 visit planned
       *[other] { $planned } visits planned
    }
visits-of =
    { $planned ->
        [one] { $done } of 1 visit
       *[other] { $done } of { $planned } visits
    }
visits-done =
    { $done ->
        [one] 1 visit
       *[other] { $done } visits
    }
visit-line = { $day }: { $mode }, { $minutes }
visit-line-plain = { $day }: { $minutes }
minutes =
    { $minutes ->
        [one] 1 minute
       *[other] { $minutes } minutes
    }
mode-push-in = help in class
mode-pull-out = help in a quiet room
mode-consult = talk among the grown-ups
mode-blended = help in class and in a quiet room
missed-line = { $day }: no visit, because { $reason }
reason-student_absent = { $child } was not at school
reason-student_refused = { $child } did not want to take part that day
reason-student_unavailable_school = the class had something else that day
reason-student_unavailable_other = { $child } was needed somewhere else
reason-provider_absent = the person who comes was away
reason-provider_meeting = the person who comes had a meeting
reason-no_substitute = nobody could fill in
reason-school_closed_planned = there was no school
reason-school_closed_emergency = school was closed that day
reason-schedule_conflict = the day's plan had changed
reason-not_logged = nothing was written down

discipline-slp = Speech and language
discipline-ot = Hands and everyday skills (occupational therapy)
discipline-pt = Moving and strength (physical therapy)
discipline-psy = Feelings and learning (school psychologist)
discipline-set = Learning support
discipline-none = Classroom help

about-title = About this page
about-signed-off = Only work that has been signed off is shown. What is new can take a few days to appear.
about-questions = Something looks wrong, or you have a question? Please talk to { $child }’s school. You have the right to see the whole record.
sign-out = Sign out

sign-in-title = Welcome
sign-in-lead = Here you can see how your child is doing at school.
sign-in-again-title = I have been here before
sign-in-passphrase = Your passphrase
sign-in-button = Open the page
sign-in-first-title = This is my first time
sign-in-first-lead = Type the invitation from the school’s letter, and choose a passphrase. It can be three or four words that only you know.
sign-in-invitation = Your invitation
sign-in-new-passphrase = Choose a passphrase (at least { $n } letters)
sign-in-new-passphrase-again = Type it once more
sign-in-first-button = Start
sign-in-forgotten = Forgotten your passphrase? The school can send you a new invitation.

wrong-sign-in = That did not work. Please check what you typed. If it still does not work, the school can send you a new invitation.
wrong-too-often = That was too many tries. Please wait a quarter of an hour, then try again.
wrong-too-short = Please choose a longer passphrase: at least { $n } letters. Your invitation is still good.
wrong-too-long = Please choose a shorter passphrase: at most { $n } letters. Your invitation is still good.
wrong-differs = The two passphrases were not the same. Please type them again. Your invitation is still good.
wrong-busy = A lot of people are here right now. Please try again in a minute.
wrong-form = Something was missing. Please fill in the form again.

closed-title = This page is not open
closed-lead = Please sign in again. If that does not help, ask the school for a new invitation.
closed-button = Go to the sign-in page
restored-title = Please come back later
restored-lead = The school brought this site back from a copy, and is checking it. Nothing is lost. Please try again tomorrow.
letter-lead = Please open the address in the letter from the school.

weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
month-short-1 = Jan
month-short-2 = Feb
month-short-3 = Mar
month-short-4 = Apr
month-short-5 = May
month-short-6 = Jun
month-short-7 = Jul
month-short-8 = Aug
month-short-9 = Sep
month-short-10 = Oct
month-short-11 = Nov
month-short-12 = Dec
date-weekday = { $weekday }, { $month } { $day }
date-day = { $month } { $day }
date-short = { $month } { $day }
date-year = { $month } { $day }, { $year }
number-tenths = { $whole }.{ $tenth }
