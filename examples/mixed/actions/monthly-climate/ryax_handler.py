import csv
from calendar import month_name
from statistics import mean


def handle(inputs):
    city = inputs["city"]
    with open(inputs["weather"], newline="") as file:
        days = [day for day in csv.DictReader(file) if day["location"] == city]
    years = len({day["date"][:4] for day in days})
    months = [describe(days, month, years) for month in range(1, 13)]
    wettest = max(months, key=lambda month: month["precipitation_mm"])
    print(f"{city}: {len(days)} days, {wettest['name']} is the wettest month")
    return {"city": city, "wettest_month": wettest["name"], "months": months}


def describe(days, month, years):
    found = [day for day in days if int(day["date"][5:7]) == month]
    return {
        "name": month_name[month],
        "temperature_c": round(mean((float(day["temp_max"]) + float(day["temp_min"])) / 2 for day in found), 1),
        "precipitation_mm": round(sum(float(day["precipitation"]) for day in found) / years, 1),
    }
