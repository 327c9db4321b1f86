#!/usr/bin/env bash
# A walk through the API with curl, the one of the Postman collection: clients/walk.sh [http://localhost:8000]
#
# Each request is printed with its answer, and compared with what must come. Where something else does, the walk ends
# with a line on stderr. Wants curl and python3. Where the period is half a minute at most (INVOICE_PERIOD=5 make run),
# it awaits its first invoice.
set -euo pipefail

BASE=${1:-http://localhost:8000}
BASE=${BASE%/}
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
TOKEN=""
STEP=""
REQUEST=""

fail() {
    echo "walk.sh: $STEP: $*" >&2
    exit 1
}

step() {
    STEP=$1
    printf '\n== %s\n' "$STEP"
}

# send STATUS METHOD PATH [BODY [HEADER]]: one request, whose answer must have the status.
send() {
    local status=$1 method=$2 path=$3 body=${4:-} header=${5:-} came
    REQUEST="$method $path${body:+  $body}${header:+  $header}"
    local options=(-sS --max-time 60 -X "$method" -D "$FOLDER/headers" -o "$FOLDER/answer" -w '%{http_code}')
    [ -z "$TOKEN" ] || options+=(-H "Authorization: Bearer $TOKEN")
    [ -z "$body" ] || options+=(-H 'Content-Type: application/json' -d "$body")
    [ -z "$header" ] || options+=(-H "$header")
    came=$(curl "${options[@]}" "$BASE$path" 2>"$FOLDER/trouble") ||
        fail "$method $path: no answer: $(<"$FOLDER/trouble")"
    [ "$came" = "$status" ] || fail "$method $path: $came, not $status: $(head -c 1000 "$FOLDER/answer")"
}

# show: the last request and its answer.
show() {
    printf '%s\n' "$REQUEST"
    head -n 1 "$FOLDER/headers" | tr -d '\r'
    python3 -m json.tool --no-ensure-ascii "$FOLDER/answer" 2>/dev/null || cat "$FOLDER/answer"
}

ask() {
    send "$@"
    show
}

# value EXPRESSION: what Python makes of it, where `answer` is the last answer.
value() {
    python3 -c 'import json, sys; answer = json.load(open(sys.argv[1], encoding="utf-8")); print(eval(sys.argv[2]))' \
        "$FOLDER/answer" "$1" 2>"$FOLDER/trouble" ||
        fail "cannot tell $1 ($(tail -n 1 "$FOLDER/trouble")): $(<"$FOLDER/answer")"
}

# holds WHAT EXPRESSION: the walk ends unless Python finds it true.
holds() {
    local truth
    truth=$(value "bool($2)")
    [ "$truth" = True ] || fail "it does not hold that $1: $(head -c 1000 "$FOLDER/answer")"
}

# headed HEADER: the walk ends unless the last answer has it.
headed() {
    grep -qi "^$1" "$FOLDER/headers" || fail "the answer has no header $1"
}

USERNAME=walk-$(date +%s)-$RANDOM$RANDOM
# Of letters that the name has not: a password that resembles it is refused.
PASSWORD=$(python3 -c 'import secrets; print("".join(secrets.choice("bcdefghij") for _ in range(20)))')
PAYMENT=payment-$RANDOM$RANDOM

# --- getting in

step 'Register'
ask 201 POST /customer/register/ '{"username": "'"$USERNAME"'", "password": "'"$PASSWORD"'",
  "first_name": "ali", "last_name": "fa", "credit": "350000"}'
holds 'the credit is what was said, as a number' 'answer["customer"]["credit"] == 350000'

step 'Log in'
ask 200 POST /customer/login/ '{"username": "'"$USERNAME"'", "password": "'"$PASSWORD"'"}'
TOKEN=$(value 'answer["access"]')
REFRESH=$(value 'answer["refresh"]')

step 'Refresh the access token'
ask 200 POST /customer/token/refresh/ '{"refresh": "'"$REFRESH"'"}'
TOKEN=$(value 'answer["access"]')

step 'Who am I'
ask 200 GET /customer/profile/
holds 'it is who logged in' "answer['username'] == '$USERNAME'"

# --- credit

step 'Top up'
ask 200 PUT /customer/increasecredit/ '{"credit": 3000}' "Idempotency-Key: $PAYMENT"
holds 'the credit is what it was and what was added' 'answer["credit"] == 353000'

step 'Top up again with the same key'
ask 200 PUT /customer/increasecredit/ '{"credit": 3000}' "Idempotency-Key: $PAYMENT"
holds 'nothing was added' 'answer["credit"] == 353000'
headed 'Idempotency-Replayed: true'

# --- subscriptions

step 'Create a subscription'
ask 201 POST /subscription/create/ '{"name": "VM", "price": 450, "isactive": 1}'
holds 'it runs' 'answer["paused_because"] is None'
VM=$(value 'answer["id"]')
PERIOD=$(value 'answer["period"]')
CREATED=$SECONDS

step 'Create one beyond the credit'
ask 201 POST /subscription/create/ '{"name": "Rack", "price": "1000000"}'
holds 'it is paused for want of credit' 'answer["paused_because"] == "insufficient_credit"'
RACK=$(value 'answer["id"]')

step 'Switch it off'
ask 200 PUT "/subscription/editactivation/$VM/" '{"isactive": 0}'
holds 'it is off' 'answer["isactive"] is False and answer["paused_because"] == "deactivated"'

step 'Switch it on'
ask 200 PUT "/subscription/editactivation/$VM/" '{"isactive": 1}'
holds 'it is on' 'answer["isactive"] is True and answer["paused_because"] is None'

step 'Why does it stand so'
ask 200 GET "/subscription/$RACK/"
holds 'credit is missing' '0 < answer["credit_missing"] < 1000000'

step 'List the subscriptions'
ask 200 GET /subscription/list
holds 'both are there, by id' "[each['id'] for each in answer['subscriptions']] == [$VM, $RACK]"

step 'List those that are paused'
ask 200 GET '/subscription/list?paused=true'
holds 'it is the one beyond the credit' "[each['id'] for each in answer['subscriptions']] == [$RACK]"

step 'Find one by its name'
ask 200 GET '/subscription/list?active=true&name=vm'
holds 'it is the one of that name' "[each['id'] for each in answer['subscriptions']] == [$VM]"

step 'The subscriptions as a file'
ask 200 GET /subscription/list.csv
headed 'Content-Type: text/csv'
[ "$(wc -l <"$FOLDER/answer")" = 3 ] || fail "not a row for each: $(<"$FOLDER/answer")"

step 'What is to come'
ask 200 GET '/invoice/forecast?days=1'
holds 'the credit less the invoices is what is left' \
    'answer["credit"] - answer["total_cost_amount"] == answer["credit_left"]'

step 'What would a top-up change'
ask 200 GET '/invoice/forecast?credit=1000000&days=1'
holds 'it would resume the one that is paused' "$RACK in answer['resumes']"

# --- invoices

step 'Await the first invoice'
send 200 GET /invoice/list
while [ "$PERIOD" -le 30 ] && [ "$(value 'len(answer["invoices"])')" = 0 ]; do
    [ $((SECONDS - CREATED)) -le $((PERIOD + 15)) ] || fail "no invoice $((SECONDS - CREATED)) s after the creation"
    sleep 0.25
    send 200 GET /invoice/list
done
show

step 'Switch it off again'
ask 200 PUT "/subscription/editactivation/$VM/" '{"isactive": false}'

step 'List the invoices'
ask 200 GET '/invoice/list?page_size=1000'
holds 'each costs the price' 'all(each["amount"] == 450 for each in answer["invoices"])'
COST=$(value 'sum(each["amount"] for each in answer["invoices"])')

step 'Find invoices'
ask 200 GET "/invoice/list?subscription=$VM&from=2020-01-01&amount=450&page_size=1000"
holds 'they are all' "sum(each['amount'] for each in answer['invoices']) == $COST"

step 'Find invoices of the other'
ask 200 GET "/invoice/list?subscription=$RACK"
holds 'there are none' 'answer["invoices"] == []'

step 'All invoices as a file'
ask 200 GET '/invoice/list.csv'
headed 'Content-Type: text/csv'
[ $((450 * ($(wc -l <"$FOLDER/answer") - 1))) = "$COST" ] || fail "not a row for each invoice: $(<"$FOLDER/answer")"

step 'Count the invoices'
ask 200 GET /invoice/statistics
holds 'the cost is that of the list' "answer['total_cost_amount'] == $COST == 450 * answer['number_of_invoices']"

step 'Count them by the day in Tehran'
ask 200 GET '/invoice/statistics?group_by=day&tz=Asia/Tehran'
holds 'the days sum up to all' "sum(each['total_cost_amount'] for each in answer['series']) == $COST"

step 'Count them by the subscription'
ask 200 GET '/invoice/statistics?group_by=subscription'
holds 'one has all of the cost' "[each['total_cost_amount'] for each in answer['series']] == [$COST, 0]"

step 'The count of each subscription as a file'
ask 200 GET '/invoice/statistics.csv?group_by=subscription'
[ "$(wc -l <"$FOLDER/answer")" = 3 ] || fail "not a row for each subscription: $(<"$FOLDER/answer")"

# --- the account

step 'Statement'
ask 200 GET '/customer/statement?page_size=1000'
holds 'the lines sum to the credit' 'sum(each["amount"] for each in answer["entries"]) == answer["credit"]'
holds 'the credit is what the invoices left' "answer['credit'] == 353000 - $COST"

step 'The statement as a file'
ask 200 GET /customer/statement.csv
headed 'Content-Type: text/csv'
[ "$(awk -F, 'NR > 1 { sum += $4 } END { printf "%d", sum }' "$FOLDER/answer")" = $((353000 - COST)) ] ||
    fail "its lines do not sum to the credit: $(<"$FOLDER/answer")"

step 'What is left'
ask 200 GET /customer/profile/
holds 'it is the credit of the statement' "answer['credit'] == 353000 - $COST"

step 'Change the password'
EARLIER=$TOKEN
ask 200 PUT /customer/password/ '{"old_password": "'"$PASSWORD"'", "new_password": "'"$PASSWORD too"'"}'
PASSWORD="$PASSWORD too"

step 'Log in with the new password'
TOKEN=""
ask 200 POST /customer/login/ '{"username": "'"$USERNAME"'", "password": "'"$PASSWORD"'"}'
LATEST=$(value 'answer["access"]')

# --- what is refused

step 'A token from before the new password'
TOKEN=$EARLIER
ask 401 GET /customer/profile/
headed 'WWW-Authenticate: Bearer'

step 'No token'
TOKEN=""
ask 401 GET /invoice/list
headed 'WWW-Authenticate: Bearer'

step 'A username that is taken'
ask 400 POST /customer/register/ '{"username": "'"$USERNAME"'", "password": "'"$PASSWORD"'"}'
holds 'it is about the username' '"username" in answer'

step 'Money that is none'
TOKEN=$LATEST
ask 400 PUT /customer/increasecredit/ '{"credit": 10.5}'
holds 'it is about the credit' '"credit" in answer'

step 'The key of another request'
ask 422 PUT /customer/increasecredit/ '{"credit": 4000}' "Idempotency-Key: $PAYMENT"

step 'A subscription of nobody'
ask 404 PUT /subscription/editactivation/9000000000000000/ '{"isactive": 1}'

step 'The credit at the end'
ask 200 GET /customer/profile/
holds 'what was refused changed nothing' "answer['credit'] == 353000 - $COST"

printf '\nAll is well.\n'
