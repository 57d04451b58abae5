"""Deep Sets: a function of a set is a function of a sum over its elements.

Every function of a set that does not depend on the order of the elements x can be written as

    rho(sum over x of phi(x))

(theorem 2). With networks for phi and rho it is learnt from sets and their values; here, from sets of at most ten
digits and their sums. What was learnt holds for sets of a hundred digits, where recurrent networks fail (figure 2).

Zaheer, Kottur, Ravanbakhsh, Póczos, Salakhutdinov, Smola: "Deep Sets", 2017, arXiv:1703.06114, section 4.1.2.
"""

from lightning_suite import Plugin

plugin = Plugin(
    name="digit_sums",
    summary="Deep Sets: adds up the digits of a set",
    module="digit_sums.module:DigitSum",
    data="digit_sums.data:DigitData",
    recipes="digit_sums:recipes",
    reproductions="digit_sums:reproductions",
    commands={"sizes": "digit_sums.studies:sizes"},
    paper="Zaheer et al. (2017), arXiv:1703.06114",
    api=1,
)
