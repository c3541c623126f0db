//! What text messages may cost, and where they may go: somebody who has them sent to numbers that share the fee with him earns
//! by each, so each is paid out of a budget.

use std::collections::{BTreeMap, BTreeSet};

use schema::record::SmsSpending;

use super::{phone::Country, sms_fraud::FraudPolicy};

/// Messages that a node takes from the budget at once, at most.
const LARGEST_BLOCK: u64 = 50;
/// A block is this part of what is left.
const PART: u64 = 100;

/// To which countries messages go.
#[derive(Clone, Debug, Default)]
pub struct Countries {
    /// Countries by name, and how many messages go there in a day at most.
    pub named: Vec<(Country, Option<u32>)>,
    /// The same for each of the others; unset: none goes there.
    pub others: Option<Option<u32>>,
}

impl Countries {
    /// How many messages may go to a country in a day, if that is said.
    fn per_day(&self, country: Country) -> Result<Option<u32>, Unpaid> {
        let named = self.named.iter().find(|(named, _)| *named == country).map(|(_, most)| *most);
        named.or(self.others).ok_or(Unpaid::Country)
    }

    /// Do messages go to more than one country?
    fn are_several(&self) -> bool {
        let named = self.named.iter().filter(|(_, most)| *most != Some(0)).map(|(country, _)| *country);
        self.others.is_some_and(|most| most != Some(0)) || named.collect::<BTreeSet<_>>().len() > 1
    }
}

/// The rules of a cluster. Money is in ten-thousandths of a currency unit, whichever it is.
#[derive(Clone, Debug)]
pub struct SmsPolicy {
    /// Whose numbers are meant that are typed without a calling code.
    pub default_country: Option<Country>,
    /// Where messages go.
    pub countries: Countries,
    /// What a message costs.
    pub price: u64,
    /// What it costs to countries where it is another price.
    pub prices: BTreeMap<Country, u64>,
    /// What all messages of a day (UTC) may cost.
    pub budget_per_day: u64,
    /// How much of that messages to one country may cost, in percent, where they go to several: to each for which no number is said.
    pub country_share: u32,
    /// How many of them may go unanswered.
    pub fraud: FraudPolicy,
}

impl Default for SmsPolicy {
    fn default() -> Self {
        Self {
            default_country: None,
            countries: Countries::default(),
            price: 1000,
            prices: BTreeMap::new(),
            budget_per_day: 200_000,
            country_share: 50,
            fraud: FraudPolicy::default(),
        }
    }
}

/// Why no text message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpaid {
    /// None goes to that country.
    Country,
    /// As many as may go to that country have, today.
    CountryPerDay,
    /// One country has cost its part of the money of the day; the rest is for the others.
    CountryShare,
    /// The money of the day is spent.
    Budget,
    /// As many as may go to that number have, from all accounts together.
    Number,
}

impl Unpaid {
    /// Its name, in metrics and the audit log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::CountryPerDay => "country_per_day",
            Self::CountryShare => "country_share",
            Self::Budget => "budget",
            Self::Number => "number",
        }
    }
}

impl SmsPolicy {
    /// What a message to this country costs.
    fn price_to(&self, country: Country) -> u64 {
        self.prices.get(&country).copied().unwrap_or(self.price)
    }

    /// What messages to a country may cost for which no number is said, if not everything: who pumps to one country leaves the rest to the
    /// others.
    fn share(&self) -> Option<u64> {
        let is_shared = self.country_share < 100 && self.countries.are_several();
        is_shared.then(|| self.budget_per_day.saturating_mul(self.country_share.into()) / 100)
    }

    /// Takes a block of messages to a country out of what was spent of a day's budget so far: how many, and what is spent then.
    /// Blocks shrink with what is left, so that nodes have little lying about when it comes to the end.
    pub fn take(&self, spending: &SmsSpending, country: Country) -> Result<(u32, SmsSpending), Unpaid> {
        let per_day = self.countries.per_day(country)?;
        let sent = spending.countries.get(country.as_str()).copied().unwrap_or(0);
        let price = self.price_to(country);
        let paid_by = |money: u64| money.checked_div(price).unwrap_or(u64::MAX);
        let (most, spent) = match per_day {
            Some(per_day) => (per_day.into(), Unpaid::CountryPerDay),
            None => (self.share().map_or(u64::MAX, paid_by), Unpaid::CountryShare),
        };
        let left = most.saturating_sub(sent.into());
        if left == 0 {
            return Err(spent);
        }
        let paid = paid_by(self.budget_per_day.saturating_sub(spending.spent));
        if paid == 0 {
            return Err(Unpaid::Budget);
        }
        let block = (left.min(paid) / PART).clamp(1, LARGEST_BLOCK);
        let mut after = spending.clone();
        after.spent = after.spent.saturating_add(block * price);
        let block = u32::try_from(block).unwrap_or(1);
        after.countries.insert(country.to_string(), sent.saturating_add(block));
        Ok((block, after))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schema::record::Unknown;

    use super::*;

    fn nothing() -> SmsSpending {
        SmsSpending { spent: 0, countries: std::collections::BTreeMap::new(), unknown: Unknown::default() }
    }

    fn country(name: &str) -> Country {
        name.parse().expect("a country")
    }

    #[test]
    fn a_country_that_is_not_named_gets_none_unless_the_others_do() {
        let named = Countries { named: vec![(country("DE"), None)], others: None };
        let policy = SmsPolicy { countries: named.clone(), ..SmsPolicy::default() };
        assert!(policy.take(&nothing(), country("DE")).is_ok());
        assert_eq!(policy.take(&nothing(), country("FR")).map(|_| ()), Err(Unpaid::Country));
        let others = SmsPolicy { countries: Countries { others: Some(Some(1)), ..named }, ..policy };
        let (block, after) = others.take(&nothing(), country("FR")).expect("one");
        assert_eq!((block, others.take(&after, country("FR")).map(|_| ())), (1, Err(Unpaid::CountryPerDay)));
    }

    #[test]
    fn a_far_country_costs_more_of_the_budget_and_leaves_the_rest_to_those_that_cost_less() {
        let countries = Countries { named: Vec::new(), others: Some(None) };
        let prices = BTreeMap::from([(country("JM"), 4500)]);
        let policy = SmsPolicy {
            countries,
            price: 800,
            prices,
            budget_per_day: 10_000,
            country_share: 100,
            ..SmsPolicy::default()
        };
        let (_, after) = policy.take(&nothing(), country("JM")).expect("one");
        let (_, after) = policy.take(&after, country("JM")).expect("two");
        assert_eq!((after.spent, policy.take(&after, country("JM")).map(|_| ())), (9000, Err(Unpaid::Budget)));
        let (_, after) = policy.take(&after, country("DE")).expect("one more");
        assert_eq!((after.spent, policy.take(&after, country("DE")).map(|_| ())), (9800, Err(Unpaid::Budget)));
    }

    /// How many messages go to a country until none does, and why.
    fn pumped(policy: &SmsPolicy, spending: &mut SmsSpending, to: &str) -> (u32, Unpaid) {
        let mut sent = 0;
        loop {
            match policy.take(spending, country(to)) {
                Ok((block, after)) => (sent, *spending) = (sent + block, after),
                Err(unpaid) => return (sent, unpaid),
            }
        }
    }

    #[test]
    fn who_pumps_to_one_country_leaves_the_others_their_part_of_the_budget() {
        let named = |names: &[(&str, Option<u32>)]| Countries {
            named: names.iter().map(|(name, most)| (country(name), *most)).collect(),
            others: None,
        };
        let policy = |countries| SmsPolicy { countries, ..SmsPolicy::default() };
        let two = policy(named(&[("DE", None), ("AT", None)]));
        let mut spending = nothing();
        assert_eq!(pumped(&two, &mut spending, "AT"), (100, Unpaid::CountryShare));
        assert_eq!(pumped(&two, &mut spending, "DE"), (100, Unpaid::CountryShare));
        assert_eq!(spending.spent, two.budget_per_day);

        let everywhere = policy(Countries { named: Vec::new(), others: Some(None) });
        assert_eq!(pumped(&everywhere, &mut nothing(), "AT"), (100, Unpaid::CountryShare));
        let own = policy(named(&[("DE", Some(150)), ("AT", None)]));
        assert_eq!(pumped(&own, &mut nothing(), "DE"), (150, Unpaid::CountryPerDay), "its own number counts");
        let fifth = SmsPolicy { country_share: 20, ..two };
        assert_eq!(pumped(&fifth, &mut nothing(), "DE"), (40, Unpaid::CountryShare));
        let whole = SmsPolicy { country_share: 100, ..fifth };
        assert_eq!(pumped(&whole, &mut nothing(), "DE"), (200, Unpaid::Budget));
        for only in [named(&[("DE", None)]), named(&[("DE", None), ("AT", Some(0))])] {
            assert_eq!(pumped(&policy(only), &mut nothing(), "DE"), (200, Unpaid::Budget), "there is no other");
        }
    }

    proptest! {
        /// However it is taken: money and countries stay within their bounds, and all of the money that they leave can be spent.
        #[test]
        fn no_more_is_taken_than_there_is(
            price in 100_u64..2000, far in 100_u64..20_000, budget in 0_u64..3_000_000, most in 1_u32..3000, country_share in 1..=100_u32,
            order in prop::collection::vec(0..2_usize, 1..50)
        ) {
            let countries = [country("DE"), country("JM")];
            let named = vec![(countries[0], None), (countries[1], Some(most))];
            let policy = SmsPolicy {
                countries: Countries { named, others: None }, price,
                prices: BTreeMap::from([(countries[1], far)]), budget_per_day: budget, country_share, ..SmsPolicy::default()
            };
            let costs = [price, far];
            let part = if country_share == 100 { u64::MAX } else { budget * u64::from(country_share) / 100 };
            let (mut spending, mut taken) = (nothing(), [0_u64; 2]);
            // In this order again and again, then the unbounded one to the end.
            for which in order.iter().copied().cycle().take(2000).chain(std::iter::repeat_n(0, 10_000)) {
                match policy.take(&spending, countries[which]) {
                    Ok((block, after)) => {
                        taken[which] += u64::from(block);
                        spending = after;
                    }
                    Err(Unpaid::CountryPerDay) => prop_assert_eq!((which, taken[1]), (1, u64::from(most))),
                    Err(Unpaid::CountryShare) => prop_assert!(which == 0 && (taken[0] + 1) * price > part),
                    Err(refused) => prop_assert_eq!((refused, spending.spent + costs[which] > budget), (Unpaid::Budget, true)),
                }
                prop_assert!(spending.spent <= budget && taken[0] * price <= part && taken[1] <= u64::from(most));
            }
            prop_assert_eq!(taken[0] * price + taken[1] * far, spending.spent);
            prop_assert!(spending.spent + price > budget || (taken[0] + 1) * price > part);
        }
    }
}
