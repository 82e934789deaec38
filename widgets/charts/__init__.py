"""Series over time: the chart with its axes, curves and legend, and the series that is one line of text."""
